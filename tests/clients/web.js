/* Plain HTTP, as curl and a probe speak it; and Prometheus' own check of what it would scrape. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { check, daemon } from './check.js';

const post = (message, headers = daemon.bearer) => fetch(`${daemon.url}/rpc`, {
	method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(message) });
const call = (id, method, params) => ({ jsonrpc: '2.0', id, method, params });
const notification = { jsonrpc: '2.0', method: 'system.ping' };

await check('fetch: a call, with its id as it was', async () => {
	const answer = await post(call('서울', 'session.whoami'));
	assert.equal(answer.status, 200);
	assert.equal(answer.headers.get('content-type'), 'application/json');
	const { id, result } = await answer.json();
	assert.equal(id, '서울');
	assert.equal(result.identified_by, 'token');
});
await check('fetch: notifications alone are 204', async () => {
	for (const message of [notification, [notification, notification]]) {
		const answer = await post(message);
		assert.equal(answer.status, 204);
		assert.equal(await answer.text(), '');
	}
});
await check('fetch: a batch', async () => {
	const answers = await (await post([call(1, 'engagement.history', { limit: 1 }), notification, call(2, 'system.ping')])).json();
	assert.deepEqual(answers.map(({ id }) => id), [1, 2]);
});
await check('fetch: an error of the call is 200, nobody is 401', async () => {
	const refused = await post(call(1, 'engagement.history', { country: 'Mars' }));
	assert.equal(refused.status, 200);
	assert.equal((await refused.json()).error.code, -32602);
	const nobody = await (await post(call(1, 'engagement.history'), {})).json();
	assert.equal(nobody.error.code, 401);
});
await check('fetch: 405 and 415 where they apply', async () => {
	assert.equal((await fetch(`${daemon.url}/rpc`)).status, 405);
	assert.equal((await post(notification, { 'Content-Type': 'text/plain' })).status, 415);
});
await check('fetch: healthz and readyz', async () => {
	assert.equal((await fetch(`${daemon.url}/healthz`)).status, 200);
	assert.equal((await fetch(`${daemon.url}/readyz`)).status, 200);
});
await check('fetch: reminders as server-sent events', async () => {
	const note = 'as an event';
	await post(call(1, 'reminder.create', { note, due_at: new Date().toISOString() }));
	const stop = new AbortController();
	const answer = await fetch(`${daemon.url}/events`, { headers: daemon.bearer, signal: stop.signal });
	assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
	let text = '';
	for await (const chunk of answer.body) {
		text += new TextDecoder().decode(chunk);
		if (text.includes(note))
			break;
	}
	stop.abort();
});
await check('promtool: check metrics finds no fault', async () => {
	const answer = await fetch(`${daemon.url}/metrics`);
	assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
	const input = await answer.text();
	assert.match(input, /^tracktwo_/m);
	/* What it advises against makes it end with 3, what is wrong with 1; both are faults here. */
	execFileSync('promtool', ['check', 'metrics'], { input, stdio: 'pipe', encoding: 'utf8' });
});
