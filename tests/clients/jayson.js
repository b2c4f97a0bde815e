/* jayson, both of its framings: version 4 reads a stream of JSON values, version 5 lines. Both end what they send with LF.
 * Its TCP client opens a connection for every message, so a login must come in the same batch as what it is for. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { check, daemon } from './check.js';

const require = createRequire(import.meta.url);
const where = isNaN(daemon.http) ? { socketPath: daemon.http } : { host: '127.0.0.1', port: daemon.http, headers: daemon.bearer };

async function everywhere(name, client, login) {
	const one = (method, params) => client.request(method, params, undefined, false);
	/* The answers but the login's. */
	const batch = async (...requests) => {
		const answers = await client.request(login ? [one('session.login', { token: daemon.token }), ...requests] : requests);
		return login ? answers.slice(1) : answers;
	};
	const create = (id) => ({ id, name: 'jayson', country: 'JP' });

	await check(`${name}: one call`, async () => {
		const answer = await client.request('system.ping', {});
		assert.equal(answer.result.pong, true);
	});
	await check(`${name}: a known caller`, async () => {
		const [who] = await batch(one('session.whoami', {}));
		assert.equal(who.result?.role, 'administrator', JSON.stringify(who));
	});
	await check(`${name}: a batch is answered whole, in its order`, async () => {
		const requests = [one('engagement.history', { country: 'KP' }), one('system.ping', {}), one('no.such', {}),
			one('contact.get', { id: randomUUID() })];
		const answers = await batch(...requests);
		assert.deepEqual(answers.map((answer) => answer.id), requests.map((request) => request.id));
		assert.deepEqual(answers.map((answer) => answer.error?.code ?? 'done'), ['done', 'done', -32601, 404]);
	});
	await check(`${name}: an error says which parameter`, async () => {
		const [answer] = await batch(one('contact.create', { name: 'x', country: 'Japan' }));
		assert.equal(answer.error.code, -32602);
		assert.equal(answer.error.data.errors[0].field, 'country');
	});
	await check(`${name}: a notification is carried out and not answered`, async () => {
		const id = randomUUID();
		if (login) {
			await batch(client.request('contact.create', create(id), null, false), one('system.ping', {}));
		} else {
			const answer = await client.request('contact.create', create(id), null);
			assert.equal(answer, undefined);
		}
		for (let tries = 0; tries < 100; tries++) {
			const [answer] = await batch(one('contact.get', { id }));
			if (answer.result)
				return;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		assert.fail('it was not carried out');
	});
}

for (const version of ['jayson', 'jayson-5']) {
	const { Client } = require(`${version}/promise`);
	if (where.socketPath) {
		await everywhere(`${version}, HTTP on a Unix socket`, Client.http({ ...where, path: '/rpc' }));
		continue;
	}
	await everywhere(`${version}, HTTP`, Client.http({ ...where, path: '/rpc' }));
	await everywhere(`${version}, Unix socket`, Client.tcp({ path: daemon.socket }));
	await everywhere(`${version}, TCP`, Client.tcp({ host: '127.0.0.1', port: daemon.tcp }), true);
}
