/* Mail and webhooks as others see them: smtp-server takes the mail, mailparser reads it; an HTTPS server takes the
 * webhooks, standardwebhooks verifies them. What sends is build/tests/clients/deliver, made of the daemon's modules. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { Webhook } from 'standardwebhooks';
import { check, daemon } from './check.js';
import { certificate, folder, ours, withMailServer, withReceiver } from './servers.js';

const another = certificate('another', 'DNS:mail.example.org');
const password_file = join(folder, 'password');
writeFileSync(password_file, 'correct horse\n', { mode: 0o600 });

async function deliver(wanted) {
	const sender = spawn(join(daemon.programs, 'tests/clients/deliver'), { stdio: ['pipe', 'pipe', 'inherit'] });
	sender.stdin.end(JSON.stringify(wanted));
	let output = '';
	for await (const piece of sender.stdout)
		output += piece;
	return JSON.parse(output);
}

const calendar = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//tracktwo//test//EN', 'METHOD:PUBLISH', 'BEGIN:VTODO',
	'UID:0190a2b4-0000-7000-8000-000000000001', 'DTSTAMP:20261123T000000Z', 'DUE:20261127T000000Z',
	'SUMMARY:제재 완화에 관한 문서를 보내기', 'END:VTODO', 'END:VCALENDAR', ''].join('\r\n');
const mail = { name: '김민지', to: 'kim@example.org', subject: '알림: 왕이 부장과의 오찬에서 약속한 문서를 11월 27일까지 보내기 — 트랙 2, 작업 1.3',
	id: '0190a2b4-0000-7000-8000-000000000001@example.org', date_s: 1795648363, text: '보낼 문서: 제재 완화.\n.\n끝.\n',
	calendar, method: 'PUBLISH', file: 'reminder.ics' };

const later = (code, message) => Object.assign(new Error(message), { responseCode: code });
const login = { user: 'desk', password_file };

await check('mail: Korean subject, text and calendar come whole, by STARTTLS and AUTH PLAIN', () =>
	withMailServer({ authOptional: false }, async (mailer, took, seen) => {
		const { mails: [outcome] } = await deliver({ mailer: { ...mailer, ...login }, mails: [mail] });
		assert.deepEqual(outcome, { kind: 'sent', retry_after_s: 0, answer: '250 queued as 42' });
		assert.deepEqual(seen.logins, ['PLAIN desk correct horse true']);
		const [{ raw, secure, envelope }] = took;
		assert.equal(secure, true);
		assert.equal(envelope.mailFrom.address, 'desk@example.org');
		assert.deepEqual(envelope.rcptTo.map((to) => to.address), ['kim@example.org']);
		const parsed = await simpleParser(raw);
		assert.equal(parsed.subject, mail.subject);
		assert.equal(parsed.text, mail.text);
		assert.deepEqual(parsed.from.value, [{ name: '사무국', address: 'desk@example.org' }]);
		assert.deepEqual(parsed.to.value, [{ name: '김민지', address: 'kim@example.org' }]);
		assert.equal(parsed.messageId, `<${mail.id}>`);
		assert.equal(parsed.date.getTime(), mail.date_s * 1000);
		assert.equal(parsed.headers.get('auto-submitted'), 'auto-generated');
		assert.equal(parsed.attachments.length, 1);
		const [part] = parsed.attachments;
		assert.equal(part.contentType, 'text/calendar');
		assert.equal(part.filename, 'reminder.ics');
		assert.equal(part.headers.get('content-type').params.method, 'PUBLISH');
		assert.equal(part.content.toString('utf8'), calendar);
		for (const line of raw.toString('latin1').split('\r\n'))
			assert.match(line, /^[\x20-\x7e]{0,76}$/);
	}));

await check('mail: a mail without a calendar, and a subject that tries to be a header', () =>
	withMailServer({}, async (mailer, took) => {
		const { calendar: _, method, file, ...plain } = mail;
		const { mails } = await deliver({ mailer, mails: [plain, { ...plain, subject: 'x\r\nBcc: all@example.org\r\n\r\nbody' }] });
		assert.deepEqual(mails.map((one) => one.kind), ['sent', 'sent']);
		const parsed = await Promise.all(took.map(({ raw }) => simpleParser(raw)));
		const [first, second] = parsed.sort((one, other) => (one.subject < other.subject ? 1 : -1));
		assert.deepEqual([first.attachments, first.text, first.subject], [[], mail.text, mail.subject]);
		assert.equal(second.bcc, undefined);
		assert.equal(second.text, mail.text);
		assert.match(second.subject, /^x +Bcc: all@example\.org +body$/);
	}));

await check('mail: implicit TLS, and AUTH LOGIN', () =>
	withMailServer({ secure: true, authMethods: ['LOGIN'], authOptional: false }, async (mailer, took, seen) => {
		const { mails: [outcome] } = await deliver({ mailer: { ...mailer, ...login }, mails: [mail] });
		assert.equal(outcome.kind, 'sent', outcome.answer);
		assert.deepEqual(seen.logins, ['LOGIN desk correct horse true']);
	}));

await check('mail: a hundred mails over four connections, each once', () =>
	withMailServer({}, async (mailer, took, seen) => {
		const many = Array.from({ length: 100 }, (_, i) => ({ ...mail, id: `m${i}@example.org` }));
		const { mails } = await deliver({ mailer, mails: many });
		assert.equal(mails.filter((one) => one.kind === 'sent').length, 100);
		assert.equal(seen.connections(), 4);
		const ids = await Promise.all(took.map(async ({ raw }) => (await simpleParser(raw)).messageId));
		assert.deepEqual(ids.sort(), many.map((one) => `<${one.id}>`).sort());
	}));

await check('mail: eight megabytes over TLS come whole', () =>
	withMailServer({}, async (mailer, took) => {
		const text = 'x'.repeat(8 << 20);
		const { mails: [outcome] } = await deliver({ mailer, mails: [{ ...mail, text }] });
		assert.equal(outcome.kind, 'sent', outcome.answer);
		assert.equal((await simpleParser(took[0].raw)).text, text);
	}));

await check('mail: a wrong password is tried again, and nothing is sent', () =>
	withMailServer({ authOptional: false }, async (mailer, took) => {
		const wrong = join(folder, 'wrong');
		writeFileSync(wrong, 'battery staple\n', { mode: 0o600 });
		const { mails: [outcome] } = await deliver({ mailer: { ...mailer, ...login, password_file: wrong }, mails: [mail] });
		assert.equal(outcome.kind, 'later');
		assert.match(outcome.answer, /^535 /);
		assert.equal(took.length, 0);
	}));

await check('mail: a login that the server wants and nobody configured is tried again', () =>
	withMailServer({ authOptional: false }, async (mailer, took) => {
		const { mails: [outcome] } = await deliver({ mailer, mails: [mail] });
		assert.equal(outcome.kind, 'later');
		assert.match(outcome.answer, /^530 /);
		assert.deepEqual(took, []);
	}));

for (const [name, options, more, pattern] of [
	['an authority that nobody knows', {}, { ca_file: another.file }, /certificate/i],
	['a certificate of another name', another.tls, { ca_file: another.file }, /match|SSL/i],
	['no STARTTLS', { disabledCommands: ['STARTTLS'] }, {}, /STARTTLS/]])
	await check(`mail: ${name}: tried again, and neither password nor mail is shown`, () =>
		withMailServer(options, async (mailer, took, seen) => {
			const { mails: [outcome] } = await deliver({ mailer: { ...mailer, ...login, ...more }, mails: [mail] });
			assert.equal(outcome.kind, 'later');
			assert.match(outcome.answer, pattern);
			assert.deepEqual([took, seen.logins], [[], []]);
		}));

await check('mail: opportunistic encrypts to whoever it is, and goes on without when there is nothing', async () => {
	for (const [disabledCommands, secure] of [[[], true], [['STARTTLS'], false]])
		await withMailServer({ ...another.tls, disabledCommands }, async (mailer, took) => {
			const { mails: [outcome] } = await deliver({ mailer: { ...mailer, tls: 'opportunistic' }, mails: [mail] });
			assert.equal(outcome.kind, 'sent', outcome.answer);
			assert.equal(took[0].secure, secure);
		});
});

for (const [name, options, kind, pattern] of [
	['450 to RCPT', { onRcptTo(address, session, done) { done(later(450, 'greylisted')); } }, 'later', /^450 greylisted$/],
	['550 to RCPT', { onRcptTo(address, session, done) { done(later(550, 'no such user')); } }, 'refused', /^550 no such user$/],
	['553 to MAIL', { onMailFrom(address, session, done) { done(later(553, 'not you')); } }, 'refused', /^553 not you$/],
	['421 to the connection', { onConnect(session, done) { done(later(421, 'too busy')); } }, 'later', /^421 too busy$/],
	['452 to the text', { onData(stream, session, done) { stream.resume().on('end', () => done(later(452, 'full'))); } },
		'later', /^452 full$/],
	['552 to the text', { onData(stream, session, done) { stream.resume().on('end', () => done(later(552, 'too big'))); } },
		'refused', /^552 too big$/],
	['silence behind the text', { onData(stream) { stream.resume(); } }, 'later', /1500 ms/],
	['silence at RCPT', { onRcptTo() {} }, 'later', /1500 ms/]])
	await check(`mail: ${name}: ${kind}`, () =>
		withMailServer(options, async (mailer) => {
			const { mails: [outcome] } = await deliver({ mailer: { ...mailer, timeout_ms: /ms/.test(pattern) ? 1500 : 10000 }, mails: [mail] });
			assert.equal(outcome.kind, kind, outcome.answer);
			assert.match(outcome.answer, pattern);
		}));

await check('mail: a connection that is reset in the middle is tried again', async () => {
	const sockets = new Set();
	let server;
	await withMailServer({ onRcptTo() { for (const socket of sockets) socket.resetAndDestroy(); },
		onConnect(session, done) { for (const one of this.connections) sockets.add(one._socket); done(); } },
	async (mailer) => {
		const { mails: [outcome] } = await deliver({ mailer, mails: [mail] });
		assert.equal(outcome.kind, 'later', outcome.answer);
		assert.doesNotMatch(outcome.answer, /ms/);
	});
});

const secrets = ['a', 'b', 'c'].map((letter) => `whsec_${Buffer.from(letter.repeat(32)).toString('base64')}`);
const post = { id: '0190a2b4-0000-7000-8000-000000000001', secret: secrets[0],
	body: JSON.stringify({ type: 'reminder.due', data: { note: '제재 완화' } }) };

await check('webhook: verified by standardwebhooks, with either of two secrets and no other', () =>
	withReceiver(ours.tls, async (url, webhooks, came) => {
		const { posts } = await deliver({ webhooks, posts: [{ ...post, url: `${url}/200` },
			{ ...post, url: `${url}/200`, secret: secrets[1], old_secret: secrets[0] }] });
		assert.deepEqual(posts, Array(2).fill({ kind: 'sent', retry_after_s: 0, answer: '200 thank you' }));
		came.sort((a, b) => a.headers['webhook-signature'].length - b.headers['webhook-signature'].length);
		for (const { headers, body, method } of came) {
			assert.equal(method, 'POST');
			assert.equal(headers['content-type'], 'application/json');
			assert.equal(headers['webhook-id'], post.id);
			assert.equal(body, post.body);
			assert.deepEqual(new Webhook(secrets[0]).verify(body, headers), JSON.parse(post.body));
			assert.throws(() => new Webhook(secrets[2]).verify(body, headers));
			assert.throws(() => new Webhook(secrets[0]).verify(`${body} `, headers));
			assert.throws(() => new Webhook(secrets[0]).verify(body, { ...headers, 'webhook-id': 'another' }));
		}
		assert.throws(() => new Webhook(secrets[1]).verify(came[0].body, came[0].headers));
		new Webhook(secrets[1]).verify(came[1].body, came[1].headers);
	}));

await check('webhook: every answer is taken as it is meant, and no redirect is followed', () =>
	withReceiver(ours.tls, async (url, webhooks, came) => {
		const wanted = { '/500': ['later', 0, '500 out of order'], '/410': ['gone', 0, '410'], '/429': ['later', 120, '429 slow down'],
			'/302': ['later', 0, '302'], '/308': ['later', 0, '308'], '/404': ['later', 0, '404'] };
		const paths = Object.keys(wanted);
		const { posts } = await deliver({ webhooks, posts: [...paths, '/503'].map((path) => ({ ...post, url: url + path })) });
		assert.deepEqual(posts.slice(0, -1).map((one) => [one.kind, one.retry_after_s, one.answer]), Object.values(wanted));
		const dated = posts.at(-1);
		assert.equal(dated.kind, 'later');
		assert(dated.retry_after_s >= 50 && dated.retry_after_s <= 60, String(dated.retry_after_s));
		assert.deepEqual(came.map((one) => one.path).sort(), [...paths, '/503'].sort());
	}));

await check('webhook: a receiver that hangs, resets or is not there is tried again', () =>
	withReceiver(ours.tls, async (url, webhooks) => {
		const { posts } = await deliver({ webhooks: { ...webhooks, timeout_ms: 1500 },
			posts: [`${url}/hang`, `${url}/reset`, 'https://127.0.0.1:1/', `${url}/200`].map((one) => ({ ...post, url: one })) });
		assert.deepEqual(posts.map((one) => one.kind), ['later', 'later', 'later', 'sent']);
		assert.match(posts[0].answer, /timed out/i);
	}));

for (const [name, tls, ca_file] of [['an authority that nobody knows', ours.tls, another.file],
	['a certificate of another name', another.tls, another.file]])
	await check(`webhook: ${name}: tried again, and nothing is shown`, () =>
		withReceiver(tls, async (url, webhooks, came) => {
			const { posts: [outcome] } = await deliver({ webhooks: { ...webhooks, ca_file }, posts: [{ ...post, url }] });
			assert.equal(outcome.kind, 'later');
			assert.match(outcome.answer, /SSL|certificate/i);
			assert.deepEqual(came, []);
		}));

await check('webhook: what resolves to this machine is refused before anything is connected to', () =>
	withReceiver(ours.tls, async (url, webhooks, came, connections) => {
		const { port } = new URL(url);
		const hosts = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433'];
		const { posts } = await deliver({ webhooks: { ...webhooks, allow_private: false },
			posts: hosts.map((host) => ({ ...post, url: `https://${host}:${port}/200` })) });
		assert.deepEqual(posts.map((one) => one.kind), hosts.map(() => 'refused'));
		assert.equal(connections(), 0);
	}));

await check('webhook: http is refused unless allowed', async () => {
	const { posts } = await deliver({ webhooks: { allow_private: true }, posts: [{ ...post, url: 'http://127.0.0.1:1/' }] });
	assert.equal(posts[0].kind, 'refused');
	const { posts: [allowed] } = await deliver({ webhooks: { allow_private: true, allow_http: true },
		posts: [{ ...post, url: 'http://127.0.0.1:1/' }] });
	assert.equal(allowed.kind, 'later');
});
