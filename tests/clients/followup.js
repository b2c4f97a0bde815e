/* Follow-ups as the other side has them: a daemon with a mail server (smtp-server) and webhooks (an HTTPS server) set up as
 * an administrator would, reminders made through its socket, and what arrives read by mailparser, ical.js and
 * standardwebhooks. What the daemon says of it is what reminder.get shows of the ledger. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import ICAL from 'ical.js';
import { simpleParser } from 'mailparser';
import { Webhook } from 'standardwebhooks';
import { check, daemon, openClient, refusal, until, withDaemon } from './check.js';
import { folder, ours, withMailServer, withReceiver } from './servers.js';

const ATTEMPTS = 3, TIMEOUT_MS = 1000;

/* By the name before the @: what the mail server answers to it; what it does not know it takes. */
const refused = { grey: [450, 'greylisted', 1], nobody: [550, 'no such user', Infinity] };
const tried = new Map();
const mailOptions = {
	onRcptTo({ address }, session, done) {
		const [name] = address.split('@'), count = (tried.get(name) ?? 0) + 1, [code, text, times] = refused[name] ?? [0, '', 0];
		tried.set(name, count);
		done(count <= times ? Object.assign(new Error(text), { responseCode: code }) : null);
	},
};

/* Receivers that are out of order twice, and until somebody mends them. */
let posts = 0, mended = false;
const receivers = {
	'/recovers': (response) => response.writeHead(++posts <= 2 ? 500 : 200).end(),
	'/mended': (response) => response.writeHead(mended ? 200 : 500).end(),
};

const soon = () => new Date(Math.ceil(Date.now() / 1000) * 1000).toISOString();
const ended = ({ deliveries }) => deliveries.length > 0 && deliveries.every((it) => it.reason !== 'due' || it.ended_at !== null);
const due = (reminder, channel) => reminder.deliveries.find((it) => it.reason === 'due' && it.channel === channel);

/* The mails to an address, read. */
async function mailsTo(took, address, count) {
	const to = () => took.filter(({ envelope }) => envelope.rcptTo[0].address === address);
	await until(to, (them) => them.length >= count);
	assert.equal(to().length, count);
	return Promise.all(to().map(({ raw }) => simpleParser(raw)));
}
const postsTo = (came, path) => came.filter((it) => it.path === path);

async function scrape(socketPath) {
	const [answer] = await once(request({ socketPath, path: '/metrics' }).end(), 'response');
	let text = '';
	for await (const piece of answer)
		text += piece;
	return text;
}

async function checkAll({ call, http, sql }, url, took, came) {
	const person = (name, more) => call('principal.create', { name, role: 'officer', language: 'ko', timezone: 'Asia/Seoul', ...more });
	const remind = (note, assignee, more) => call('reminder.create', { note, due_at: soon(), assignee: assignee.id, ...more });
	const settled = (reminder) => until(() => call('reminder.get', { id: reminder.id }), ended);
	const wake = 'NOTIFY tracktwo, \'reminder\'';
	const [kim, director] = await Promise.all([person('김민지', { email: 'kim@example.org' }),
		person('국장', { email: 'director@example.org', role: 'director' })]);
	const escalation = { escalate_after: 'PT1H', escalate_to: director.id };
	const hook = await call('webhook.create', { principal_id: kim.id, url: `${url}/200` });
	const engagement = await call('engagement.log', { title: '왕이 부장과의 오찬', kind: 'meeting', countries: ['CN'], workstreams: ['1.3'],
		starts_on: '2026-11-20' });
	const note = '약속한 문서 보내기 — 트랙 2, 작업 1.3 😀\n둘째 줄; 쉼표, 역사선 \\';
	const reminder = await remind(note, kim, { channels: ['email', 'webhook'], about: { engagement_id: engagement.id } });
	const stored = await settled(reminder);

	await check('followup: a reminder comes by mail, in Korean, under the id of its delivery', async () => {
		const [mail] = await mailsTo(took, 'kim@example.org', 1), delivery = due(stored, 'email');
		assert.equal(mail.subject, note.split('\n')[0]);
		assert.equal(mail.messageId, `<${delivery.id}@example.org>`);
		assert.deepEqual(mail.to.value, [{ name: '김민지', address: 'kim@example.org' }]);
		assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
		assert.ok(mail.text.startsWith(note), mail.text);
		assert.match(mail.text, /관련: 왕이 부장과의 오찬\n기한: \d{4}-\d\d-\d\d \d\d:\d\d \(Asia\/Seoul\)/);
		assert.ok(mail.text.includes(`tracktwo reminder complete --id ${reminder.id}`));
		assert.deepEqual([delivery.outcome, delivery.attempts, delivery.answer], ['delivered', 1, '250 queued as 42']);
	});
	await check('followup: ical.js reads the to-do that comes along', async () => {
		const [{ attachments: [part] }] = await mailsTo(took, 'kim@example.org', 1);
		assert.equal(part.contentType, 'text/calendar');
		const calendar = new ICAL.Component(ICAL.parse(part.content.toString('utf8')));
		const todo = calendar.getFirstSubcomponent('vtodo');
		assert.equal(calendar.getFirstPropertyValue('method'), 'PUBLISH');
		assert.equal(todo.getFirstPropertyValue('uid'), reminder.id);
		assert.equal(todo.getFirstPropertyValue('summary'), note);
		assert.equal(todo.getFirstPropertyValue('due').toJSDate().getTime(), new Date(reminder.due_at).getTime());
		assert.equal(todo.getFirstPropertyValue('status'), 'NEEDS-ACTION');
	});
	await check('followup: the same comes as a post that standardwebhooks verifies', () => {
		const [{ headers, body }, ...more] = postsTo(came, '/200'), delivery = due(stored, 'webhook');
		assert.deepEqual(more, []);
		const post = new Webhook(hook.secret).verify(body, headers);
		assert.equal(headers['webhook-id'], delivery.id);
		assert.equal(post.type, 'reminder.due');
		assert.deepEqual([post.data.delivery_id, post.data.reason], [delivery.id, 'due']);
		assert.deepEqual([post.data.reminder.id, post.data.reminder.note], [reminder.id, note]);
		assert.deepEqual([delivery.outcome, delivery.attempts, delivery.answer], ['delivered', 1, '200 thank you']);
		assert.throws(() => new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(body, headers));
	});
	await check('followup: after a rotation both secrets verify, until the old one ends', async () => {
		const rotated = await call('webhook.rotate', { id: hook.id, keep: 'PT1H' });
		assert.notEqual(rotated.secret, hook.secret);
		const { delivery_id } = await call('webhook.test', { id: hook.id });
		const [post] = await until(() => came.filter((it) => it.headers['webhook-id'] === delivery_id), (them) => them.length > 0);
		for (const secret of [hook.secret, rotated.secret])
			assert.equal(new Webhook(secret).verify(post.body, post.headers).type, 'test');
		const ended = await call('webhook.rotate', { id: hook.id, keep: 'PT1S' });
		await new Promise((passed) => setTimeout(passed, 1100));
		const last = await call('webhook.test', { id: hook.id });
		const [signed] = await until(() => came.filter((it) => it.headers['webhook-id'] === last.delivery_id), (them) => them.length > 0);
		new Webhook(ended.secret).verify(signed.body, signed.headers);
		assert.throws(() => new Webhook(rotated.secret).verify(signed.body, signed.headers));
	});
	await check('followup: of what is restricted a mail says that there is something', async () => {
		const lee = await person('이서연', { email: 'lee@example.org' });
		const secret = await call('engagement.log', { title: '비공개 접촉', kind: 'meeting', countries: ['KP'], workstreams: ['2.1'],
			starts_on: '2026-11-20', sensitivity: 'restricted' });
		await settled(await remind('회신 확인', lee, { channels: ['email'], about: { engagement_id: secret.id } }));
		const [mail] = await mailsTo(took, 'lee@example.org', 1);
		assert.doesNotMatch(mail.subject + mail.text, /회신 확인|비공개 접촉/);
		assert.deepEqual(mail.attachments, []);
	});
	await check('followup: the morning digest in Korean, and one for a day with nothing in it', async () => {
		const [park, idle] = await Promise.all([person('박지훈', { email: 'park@example.org', desks: ['MN'] }),
			person('Idle', { email: 'idle@example.org', language: 'en' })]);
		await call('reminder.create', { note: '몽골 측에 회신', due_at: '2026-11-01T00:00:00Z', assignee: park.id });
		const later = new Date(Date.now() + 2 * 86400000).toISOString();
		await call('engagement.log', { title: '울란바토르 대화', kind: 'meeting', countries: ['MN'], workstreams: ['2.3'], starts_at: later });
		await sql(`UPDATE store.principal SET digest_due = now() WHERE id IN ('${park.id}', '${idle.id}'); ${wake}`);
		const [[mail], [empty]] = await Promise.all([mailsTo(took, 'park@example.org', 1), mailsTo(took, 'idle@example.org', 1)]);
		const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Seoul' }).format();
		assert.equal(mail.subject, `오늘의 할 일 ${today}`);
		assert.match(mail.text, /기한이 지난 알림 \(1\)\n {2}2026-11-01 09:00 +몽골 측에 회신\n/);
		assert.match(mail.text, /앞으로 7일간의 일정 \(1\)\n {2}\S+ \S+ +MN +울란바토르 대화\n/);
		assert.equal(empty.subject, `Your day ${today}`);
		assert.equal(empty.text.match(/\(0\)\n {2}nothing/g).length, 7);
	});
	await check('followup: what nobody acknowledges goes to somebody else by mail', async () => {
		const choi = await person('최유진');
		const waiting = await remind('답을 기다림', choi, { escalate_after: 'PT1S', escalate_to: director.id });
		const [mail] = await mailsTo(took, 'director@example.org', 1);
		const { deliveries } = await call('reminder.get', { id: waiting.id });
		const told = deliveries.find((it) => it.reason === 'escalation' && it.channel === 'email');
		assert.equal(mail.subject, '답을 기다림');
		assert.match(mail.text, /^담당자가 아직 확인하지 않아/);
		assert.equal(mail.messageId, `<${told.id}@example.org>`);
	});
	took.length = 0;

	/* One person and one webhook each, all at the same time. [path, outcome, attempts, answer] */
	const cases = [['/hang', 'failed', ATTEMPTS, /timed out/i], ['/reset', 'failed', ATTEMPTS, /./],
		['/500', 'failed', ATTEMPTS, /^500 out of order$/], ['/302', 'failed', ATTEMPTS, /^302/], ['/308', 'failed', ATTEMPTS, /^308/],
		['/410', 'failed', 1, /^410/], ['/429', null, 1, /^429 slow down$/], ['/recovers', 'delivered', ATTEMPTS, /^200/],
		['/mended', 'failed', ATTEMPTS, /^500/]];
	const begun = await Promise.all(cases.map(async ([path]) => {
		const who = await person(path), made = await call('webhook.create', { principal_id: who.id, url: url + path });
		return { path, made, reminder: await remind(`${path} 문서`, who, { channels: ['webhook'], ...escalation }) };
	}));
	for (const [place, [path, outcome, attempts, answer]] of cases.entries())
		await check(`followup: a receiver at ${path}: ${outcome ?? 'waits'} after ${attempts}`, async () => {
			const { made, reminder } = begun[place];
			const found = await until(() => call('reminder.get', { id: reminder.id }), (it) => {
				const delivery = due(it, 'webhook');
				return delivery && (outcome ? delivery.ended_at !== null : delivery.answer !== null);
			});
			const delivery = due(found, 'webhook'), seen = postsTo(came, path);
			assert.deepEqual([delivery.outcome, delivery.attempts], [outcome, attempts]);
			assert.match(delivery.answer, answer);
			/* libcurl itself tries once more where a connection that it has kept turns out to be closed. */
			assert.ok(path === '/reset' ? seen.length >= attempts : seen.length === attempts, `${seen.length} posts`);
			for (const { headers, body } of seen) {
				new Webhook(made.secret).verify(body, headers);
				assert.equal(headers['webhook-id'], delivery.id);
			}
			assert.equal(found.status, outcome === 'failed' ? 'failed' : 'due');
			const [listed] = (await call('webhook.list', { principal_id: made.principal_id })).items;
			assert.equal(listed.status, path === '/410' ? 'disabled' : 'active');
			assert.equal(found.deliveries.filter((it) => it.reason === 'failure' && it.channel === 'email').length, outcome === 'failed' ? 1 : 0);
		});
	await check('followup: each failure is told to somebody else, listed and counted', async () => {
		const failed = begun.filter((_, place) => cases[place][1] === 'failed').map(({ reminder }) => reminder);
		const mails = await mailsTo(took, 'director@example.org', failed.length);
		assert.deepEqual(mails.map((it) => it.subject).sort(), failed.map((it) => it.note).sort());
		for (const mail of mails)
			assert.match(mail.text, /^담당자에게 전달하지 못해/);
		const { items } = await call('reminder.list', { status: 'failed' });
		assert.deepEqual(items.map((it) => it.id).sort(), failed.map((it) => it.id).sort());
		assert.match(await scrape(http), new RegExp(`^tracktwo_reminders\\{[^}]*failed[^}]*\\} ${failed.length}$`, 'm'));
	});
	await check('followup: redelivered when the receiver is mended, under the same id', async () => {
		const { reminder } = begun.find(({ path }) => path === '/mended');
		mended = true;
		await call('reminder.redeliver', { id: reminder.id });
		const found = await until(() => call('reminder.get', { id: reminder.id }), (it) => due(it, 'webhook').outcome === 'delivered');
		assert.equal(found.status, 'due');
		assert.deepEqual([...new Set(postsTo(came, '/mended').map((it) => it.headers['webhook-id']))], [due(found, 'webhook').id]);
		assert.equal(postsTo(came, '/mended').length, ATTEMPTS + 1);
	});
	await check('followup: a webhook that answered 410 gets nothing more until it is switched on', async () => {
		const { made } = begun.find(({ path }) => path === '/410');
		assert.equal((await refusal(call('webhook.test', { id: made.id }))).data.rule, 'webhook_disabled');
		assert.equal((await refusal(call('reminder.create', { note: '다시', due_at: soon(), assignee: made.principal_id,
			channels: ['webhook'] }))).data.rule, 'no_webhook');
		assert.equal(postsTo(came, '/410').length, 1);
	});
	await check('followup: a mail server that greylists, and one that knows nobody', async () => {
		const [grey, nobody] = await Promise.all(['grey', 'nobody'].map(async (name) =>
			settled(await remind(`${name} 문서`, await person(name, { email: `${name}@example.org` }), { channels: ['email'], ...escalation }))));
		assert.deepEqual([due(grey, 'email').outcome, due(grey, 'email').attempts], ['delivered', 2]);
		const [mail] = await mailsTo(took, 'grey@example.org', 1);
		assert.equal(mail.messageId, `<${due(grey, 'email').id}@example.org>`);
		assert.deepEqual([due(nobody, 'email').outcome, due(nobody, 'email').attempts, due(nobody, 'email').answer, nobody.status],
			['failed', 1, '550 no such user', 'failed']);
	});
}

/* The daemon of run.sh has default settings: nothing of this machine is posted to. */
async function checkDefaults(url, came, connections) {
	const { call, close } = await openClient(daemon.socket), { port } = new URL(url), before = connections();
	await check('followup: by default no address of this machine is posted to, by name or number', async () => {
		const urls = [`https://localhost:${port}/200`, `https://127.0.0.1:${port}/200`, `https://[::ffff:127.0.0.1]:${port}/200`,
			`http://localhost:${port}/200`];
		await Promise.all(urls.map(async (one) => {
			const who = await call('principal.create', { name: one, role: 'officer' });
			await call('webhook.create', { principal_id: who.id, url: one });
			const { id } = await call('reminder.create', { note: 'inward', due_at: soon(), assignee: who.id, channels: ['webhook'] });
			const found = await until(() => call('reminder.get', { id }), (it) => due(it, 'webhook')?.ended_at);
			assert.deepEqual([found.status, due(found, 'webhook').outcome, due(found, 'webhook').attempts], ['failed', 'failed', 1]);
			assert.match(due(found, 'webhook').answer, one.startsWith('http:') ? /http/ : /address/);
		}));
		assert.equal(connections(), before);
	});
	close();
}

await withMailServer(mailOptions, (mailer, took) => withReceiver(ours.tls, async (url, webhooks, came, connections) => {
	await withDaemon(folder, { 'mail.server': mailer.server, 'mail.from': mailer.from, 'delivery.ca_file': ours.file,
		'webhook.allow_private': 'yes', 'delivery.timeout_ms': TIMEOUT_MS, 'delivery.retry_first_s': 1, 'delivery.attempts': ATTEMPTS },
	(it) => checkAll(it, url, took, came));
	await checkDefaults(url, came, connections);
}, receivers));
