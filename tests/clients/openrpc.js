/* The OpenRPC document: valid for the makers of OpenRPC, the same from everywhere, and true: live answers are what it says. */
import schemaUtils from '@open-rpc/schema-utils-js';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { check, daemon } from './check.js';

const { MethodCallValidator, parseOpenRPCDocument, validateOpenRPCDocument } = schemaUtils;
const { Client } = createRequire(import.meta.url)('jayson/promise');
const client = Client.tcp({ path: daemon.socket });
const text = execFileSync(`${daemon.programs}/tracktwod`, ['--describe=openrpc'], { encoding: 'utf8', maxBuffer: 1 << 26 });
const described = () => JSON.parse(text);
let whole;

await check('schema-utils-js: the document is valid', async () => {
	const verdict = validateOpenRPCDocument(described());
	assert.equal(verdict, true, verdict?.message);
});
await check('schema-utils-js: the document can be dereferenced', async () => {
	whole = await parseOpenRPCDocument(described(), { validate: true, dereference: true });
	assert.ok(whole.methods.length > 20);
	assert.ok(!JSON.stringify(whole).includes('"$ref"'), 'something still refers');
});
await check('rpc.discover and GET /openrpc.json say what --describe=openrpc says', async () => {
	const { result } = await client.request('rpc.discover', {});
	assert.deepEqual(result, described());
	const answer = await fetch(`${daemon.url}/openrpc.json`);
	assert.equal(answer.headers.get('content-type'), 'application/json');
	assert.deepEqual(await answer.json(), described());
});
await check('schema-utils-js: its validator takes right parameters and finds wrong ones', async () => {
	const validator = new MethodCallValidator(await parseOpenRPCDocument(described()));
	const faults = (method, params) => [validator.validate(method, params)].flat().map((fault) => fault.name);
	assert.deepEqual(faults('engagement.history', { country: 'CN', limit: 5 }), []);
	assert.deepEqual(faults('engagement.history', { limit: 'five' }), ['ParameterValidationError']);
	assert.deepEqual(faults('contact.get', {}), ['ParameterValidationError']);
	assert.deepEqual(faults('no.such', {}), ['MethodNotFoundError']);
});

/* Strict: a keyword or a format that ajv does not know is a fault of the document. The document's own other members are
 * no schema, so it is added whole, and its schemas are reached by their place. */
const ajv = addFormats(new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false }));
ajv.addVocabulary(Object.keys(described()));
ajv.addSchema(described(), 'document', undefined, false);
const methods = described().methods;
const schema_of = (place) => ajv.compile({ $ref: `document#${place}` });

await check('ajv: every schema of the document compiles', async () => {
	methods.forEach((method, at) => {
		schema_of(`/methods/${at}/result/schema`);
		method.params.forEach((_, place) => schema_of(`/methods/${at}/params/${place}/schema`));
	});
});

async function answers(name, params) {
	let result;
	await check(`ajv: what ${name} takes and answers is as described`, async () => {
		const at = methods.findIndex((method) => method.name === name);
		assert.ok(at >= 0, 'the document does not hold it');
		for (const [member, value] of Object.entries(params)) {
			const place = methods[at].params.findIndex((param) => param.name === member);
			assert.ok(place >= 0, `${member} is not in the document`);
			const valid = schema_of(`/methods/${at}/params/${place}/schema`);
			assert.ok(valid(value), `${member}: ${ajv.errorsText(valid.errors)}`);
		}
		const answer = await client.request(name, params);
		assert.equal(answer.error, undefined, answer.error?.message);
		result = answer.result;
		const valid = schema_of(`/methods/${at}/result/schema`);
		assert.ok(valid(result), ajv.errorsText(valid.errors));
	});
	return result;
}

await answers('system.info', {});
await answers('session.whoami', {});
await answers('country.list', {});
await answers('roadmap.get', {});
const logged = await answers('engagement.log', {
	title: 'Lunch on sanctions relief', kind: 'meeting', track: '2', starts_at: '2026-01-20T12:30:00+09:00', countries: ['CN'],
	workstreams: ['1.3', { code: '2.2', contribution: 'tests the ground' }], topics: ['sanctions-relief'],
	participants: [{ contact: { name: '王毅', country: 'CN' }, on_match: 'create', role: 'chair' }],
	commitments: [{ by: 'CN', text: 'sends the paper', due_on: '2026-02-01' }],
	follow_up: { due_at: '2030-01-27T09:00:00+09:00', note: 'ask again' } });
await answers('engagement.get', { id: logged?.id });
await answers('engagement.history', { country: 'CN', workstream: '1.3', limit: 5 });
await answers('contact.search', { text: '王毅' });
await answers('organization.create', { name: '통일연구원', country: 'KR' });
await answers('dialogue.create', { title: 'Seoul–Beijing', countries: ['CN', 'KR'], workstreams: ['1.3'] });
await answers('reminder.create', { about: { engagement_id: logged?.id }, note: 'weekly', due_at: '2030-01-01T09:00:00+09:00' });
await answers('reminder.list', { limit: 2 });
await answers('principal.list', {});
await answers('token.list', {});
await answers('report.coverage', { since: '2026-01-01' });
