/* Check: what the programs here share: where the daemon is, and one line for each thing that was tried. */
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
