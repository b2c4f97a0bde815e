/* Servers that mail and webhooks go to, of other people's making: smtp-server, and node's own HTTPS. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, chmodSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';

export const folder = mkdtempSync(join(tmpdir(), 'tracktwo-servers-'));
/* A daemon that is another user reads certificates here. */
chmodSync(folder, 0o755);
process.on('exit', () => rmSync(folder, { recursive: true }));

/* A certificate that is its own authority. */
export function certificate(name, alternatives) {
	const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
		'-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternatives}`], { stdio: 'pipe' });
	return { file: cert, tls: { key: readFileSync(key), cert: readFileSync(cert) } };
}
export const ours = certificate('ours', 'IP:127.0.0.1,DNS:localhost');

/* A server for the time of `run`; what it took is in `took`. */
export async function withMailServer(options, run) {
	const took = [];
	let connections = 0, logins = [];
	const server = new SMTPServer({
		...ours.tls,
		authOptional: true,
		logger: false,
		closeTimeout: 10,
		onConnect(session, done) { connections++; done(); },
		onAuth(auth, session, done) {
			logins.push(`${auth.method} ${auth.username} ${auth.password} ${session.secure}`);
			if (auth.password === 'correct horse')
				done(null, { user: auth.username });
			else
				done(new Error('Invalid username or password'));
		},
		onData(stream, session, done) {
			const pieces = [];
			stream.on('data', (piece) => pieces.push(piece));
			stream.on('end', () => {
				took.push({ raw: Buffer.concat(pieces), secure: session.secure, envelope: structuredClone(session.envelope) });
				done(null, 'queued as 42');
			});
		},
		...options,
	});
	server.on('error', () => {});
	await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
	try {
		const port = server.server.address().port;
		const mailer = { server: `${options.secure ? 'smtps' : 'smtp'}://127.0.0.1:${port}`, from: '사무국 <desk@example.org>',
			ca_file: ours.file, tls: 'required' };
		await run(mailer, took, { connections: () => connections, logins });
	} finally {
		await new Promise((closed) => server.close(closed));
	}
}

/* An HTTPS receiver that answers by the path, `more` paths included; what came is in `came`. */
export async function withReceiver(tls, run, more = {}) {
	const came = [];
	let connections = 0;
	const answers = {
		'/500': (response) => response.writeHead(500).end('out of order'),
		'/410': (response) => response.writeHead(410).end(),
		'/429': (response) => response.writeHead(429, { 'Retry-After': '120' }).end('slow down'),
		'/503': (response) => response.writeHead(503, { 'Retry-After': new Date(Date.now() + 60000).toUTCString() }).end(),
		'/302': (response) => response.writeHead(302, { Location: '/200' }).end(),
		'/308': (response) => response.writeHead(308, { Location: '/200' }).end(),
		'/404': (response) => response.writeHead(404).end(),
		'/reset': (response) => response.socket.destroy(),
		'/hang': () => {},
		...more,
	};
	const server = createServer(tls, async (request, response) => {
		let body = '';
		for await (const piece of request)
			body += piece;
		came.push({ path: request.url, headers: request.headers, body, method: request.method });
		(answers[request.url] ?? ((it) => it.writeHead(200).end('thank you')))(response);
	});
	server.on('connection', () => connections++);
	await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
	try {
		const webhooks = { allow_private: true, ca_file: ours.file };
		await run(`https://127.0.0.1:${server.address().port}`, webhooks, came, () => connections);
	} finally {
		server.closeAllConnections();
		await new Promise((closed) => server.close(closed));
	}
}
