/* Check: what the programs here share: where the daemon is, how to have one of one's own, and one line for each thing that
 * was tried. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export const daemon = {
	programs: process.env.TRACKTWO_BUILD,
	socket: process.env.TRACKTWO_SOCKET,
	tcp: Number(process.env.TRACKTWO_TCP),
	http: process.env.TRACKTWO_HTTP, // the port, or the path of a Unix socket
	token: process.env.TRACKTWO_TOKEN,
};
daemon.url = `http://127.0.0.1:${daemon.http}`;
daemon.bearer = { Authorization: `Bearer ${daemon.token}` };

const LIMIT_MS = 20000;

export async function check(name, run) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`nothing came in ${LIMIT_MS} ms`)), LIMIT_MS);
	});
	try {
		await Promise.race([run(), late]);
		console.log(`ok     ${name}`);
	} catch (fault) {
		console.log(`FAILED ${name}\n       ${String(fault?.message ?? fault).replaceAll('\n', '\n       ')}`);
		process.exitCode = 1;
	} finally {
		clearTimeout(timer);
	}
}

/* What a promise is refused with; it must be. */
export async function refusal(promise) {
	try {
		await promise;
	} catch (fault) {
		return fault;
	}
	throw new Error('it was not refused');
}

/* A client of a daemon's socket: one message a line. What is refused is an error with the answer's `data`. */
export async function openClient(path) {
	const socket = connect(path), waiting = new Map();
	let last = 0;
	await once(socket, 'connect');
	createInterface(socket).on('line', (line) => {
		const { id, result, error } = JSON.parse(line);
		const { resolve, reject } = waiting.get(id);
		waiting.delete(id);
		if (error)
			reject(Object.assign(new Error(error.message), { data: error.data }));
		else
			resolve(result);
	});
	return {
		call: (method, params) => new Promise((resolve, reject) => {
			waiting.set(++last, { resolve, reject });
			socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
		}),
		close: () => socket.destroy(),
	};
}

/* A daemon with settings of its own, on a cluster of its own below the folder, for the time of `run`; `sql` asks its
 * database as the superuser. It must end well. */
export async function withDaemon(folder, settings, run) {
	const state = join(folder, 'state'), socket = join(state, 'socket'), log = join(folder, 'log');
	const all = { 'daemon.state_dir': state, 'daemon.socket': socket, 'daemon.http': join(state, 'http'), ...settings };
	const output = openSync(log, 'a');
	const child = spawn(join(daemon.programs, 'tracktwod'), Object.entries(all).flatMap(([key, value]) => ['-s', `${key}=${value}`]),
		{ stdio: ['ignore', output, output] });
	const ended = once(child, 'exit');
	const sql = async (text) => (await promisify(execFile)('psql', ['-XAtq', '-h', join(state, 'postgres/socket'), '-U', 'postgres',
		'-d', 'tracktwo', '-v', 'ON_ERROR_STOP=1', '-c', text])).stdout.trim();
	let client;
	try {
		await promisify(execFile)(join(daemon.programs, 'tracktwo'), ['--socket', socket, 'wait', '--for', '60']);
		client = await openClient(socket);
		await run({ call: client.call, http: join(state, 'http'), sql });
	} finally {
		client?.close();
		child.kill('SIGTERM');
		const [status] = await ended;
		if (status !== 0)
			throw new Error(`the daemon ended with status ${status}:\n${readFileSync(log, 'utf8')}`);
	}
}

/* Asks until it is so, or check's time is up. */
export async function until(ask, isSo) {
	for (;;) {
		const answer = await ask();
		if (isSo(answer))
			return answer;
		await new Promise((passed) => setTimeout(passed, 50));
	}
}
