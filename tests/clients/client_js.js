/* @open-rpc/client-js: its StreamTransport with its newline framing fits a socket as it is; its HTTPTransport fits POST /rpc.
 * It sends `params: []` when none are given, which is as good as none. */
import { Client, HTTPTransport, RequestManager, StreamTransport } from '@open-rpc/client-js';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { check, daemon, refusal } from './check.js';

async function persistent(address) {
	const socket = net.connect(address);
	await once(socket, 'connect');
	const { readable, writable } = Duplex.toWeb(socket);
	return new Client(new RequestManager([StreamTransport.fromStreams(readable, writable)]));
}

async function everywhere(name, client) {
	await check(`${name}: many calls at once, each gets its own answer`, async () => {
		const countries = ['US', 'CN', 'RU', 'JP', 'KP'];
		const made = await Promise.all(countries.map((country) =>
			client.request({ method: 'contact.create', params: { name: `client of ${country}`, country } })));
		assert.deepEqual(made.map((contact) => contact.country), countries);
	});
	await check(`${name}: a batch`, async () => {
		client.startBatch();
		const answers = ['system.ping', 'system.info', 'no.such'].map((method) => client.request({ method, params: {} }));
		await new Promise(setImmediate);
		client.stopBatch();
		const [ping, info, none] = await Promise.allSettled(answers);
		assert.equal(ping.value.pong, true);
		assert.equal(info.value.schema_version > 0, true);
		assert.equal(none.reason.code, -32601);
	});
	await check(`${name}: a notification`, async () => {
		await client.notify({ method: 'system.ping' });
		assert.equal((await client.request({ method: 'system.ping' })).pong, true);
	});
	await check(`${name}: an error with its data`, async () => {
		const fault = await refusal(client.request({ method: 'contact.get', params: { id: randomUUID() } }));
		assert.equal(fault.code, 404);
		assert.equal(fault.data.code, 'not_found');
	});
	await check(`${name}: without parameters it sends an empty list`, async () => {
		assert.equal((await client.request({ method: 'system.ping' })).pong, true);
	});
}

/* One that was due before, at once; and one that comes due later. */
async function reminders(name, client) {
	const heard = [];
	let more = () => {};
	client.onNotification((message) => { heard.push(message); more(); });
	const hear = async (note) => {
		for (;;) {
			const message = heard.find(({ params }) => params.reminder.note === note);
			if (message)
				return message;
			await new Promise((resolve) => { more = resolve; });
		}
	};
	const remind = (note, after_ms) => client.request({
		method: 'reminder.create', params: { note, due_at: new Date(Date.now() + after_ms).toISOString() } });

	await check(`${name}: reminder.due comes on the connection that subscribed`, async () => {
		await remind(`${name} before`, -1000);
		const { subscription } = await client.request({ method: 'reminder.subscribe' });
		await remind(`${name} after`, 500);
		for (const note of [`${name} before`, `${name} after`]) {
			const { method, params } = await hear(note);
			assert.equal(method, 'reminder.due');
			assert.equal(params.subscription, subscription);
			await client.request({ method: 'reminder.acknowledge', params: { delivery_id: params.delivery_id } });
		}
	});
}

const local = await persistent({ path: daemon.socket });
await everywhere('client-js, Unix socket', local);
await reminders('client-js, Unix socket', local);
local.close();

const remote = await persistent({ host: '127.0.0.1', port: daemon.tcp });
await check('client-js, TCP: nobody before the login, somebody right after it, without waiting', async () => {
	const fault = await refusal(remote.request({ method: 'session.whoami' }));
	assert.equal(fault.code, 401);
	const [, who] = await Promise.all([
		remote.request({ method: 'session.login', params: { token: daemon.token } }),
		remote.request({ method: 'session.whoami' })]);
	assert.equal(who.identified_by, 'token');
});
await everywhere('client-js, TCP', remote);
await reminders('client-js, TCP', remote);
remote.close();

const web = new Client(new RequestManager([new HTTPTransport(`${daemon.url}/rpc`, { headers: daemon.bearer })]));
await everywhere('client-js, HTTP', web);
