/* Peers: the same work done by job queues of other people's making, as their manuals have it.
 *
 *     node peers.js fill PENDING              makes both schemas, with that many jobs for another day in each
 *     node peers.js MODE drain COUNT          →  jobs a second, from the first that starts until the last is known to be done
 *     node peers.js MODE latency COUNT MS     →  p50 and p99 in µs between a job's time and its start, COUNT jobs MS apart
 *
 * MODE: graphile-worker, one process that runs 24 jobs at once, each job fetched and ended by itself, which is all that 0.16
 * has; graphile-worker-2, two such processes; pg-boss, work() with batches of 500;
 * pg-boss-fetch, fetch() and complete() with the same batches, which waits for nothing in between.
 * Latencies are those of jobs that are made ahead for a time, as reminders are; both look for them at intervals, here the
 * shortest that is sensible or allowed. The database is PGDATABASE and so on. */
import { fork } from 'node:child_process';
import pg from 'pg';
import PgBoss from 'pg-boss';
import { Logger, run, runMigrations } from 'graphile-worker';

const CONCURRENCY = 24, BATCH = 500, QUEUE = 'remind', PROCESSES = 2;
const [mode, action, ...numbers] = process.argv.slice(2);
const connectionString = `postgresql:///${process.env.PGDATABASE}?host=${process.env.PGHOST}&user=${process.env.PGUSER}`;
const logger = new Logger(() => () => {});
const now_us = () => (performance.timeOrigin + performance.now()) * 1000;

async function sql(text) {
	const client = new pg.Client({ connectionString });
	await client.connect();
	const { rows } = await client.query(text);
	await client.end();
	return rows;
}
const body = `json_build_object('note', 'Send the paper on monitoring to the counterpart, number ' || n, 'due', extract(epoch FROM at) * 1e6)`;
/* Jobs numbered n, each at `at`. */
const made = {
	'graphile-worker': (jobs) => `INSERT INTO graphile_worker._private_jobs (task_id, payload, run_at)
		SELECT t.id, ${body}, at FROM graphile_worker._private_tasks t, (${jobs}) AS jobs WHERE t.identifier = '${QUEUE}'`,
	'pg-boss': (jobs) => `INSERT INTO pgboss.job (name, data, start_after, expire_in)
		SELECT '${QUEUE}', ${body}, at, interval '15 minutes' FROM (${jobs}) AS jobs`,
};
const family = mode.startsWith('pg-boss') ? 'pg-boss' : 'graphile-worker';
const clear = { 'graphile-worker': `DELETE FROM graphile_worker._private_jobs WHERE run_at < now() + interval '1 day'`,
	'pg-boss': `DELETE FROM pgboss.job WHERE start_after < now() + interval '1 day'` };
const table = { 'graphile-worker': 'graphile_worker._private_jobs', 'pg-boss': 'pgboss.job' };

/* Each starts working, and says at which time (µs) which job began, and when how many jobs were done. stop() ends it. */
async function workGraphile(options, began, done) {
	const runner = await run({ connectionString, concurrency: CONCURRENCY, maxPoolSize: CONCURRENCY + 1, noHandleSignals: true,
		logger, taskList: { [QUEUE]: (payload) => began(payload) }, ...options });
	runner.events.on('job:complete', ({ error }) => {
		if (error)
			throw error;
		done(1);
	});
	return () => runner.stop();
}
async function openBoss() {
	const boss = new PgBoss({ connectionString, max: 8, supervise: false, schedule: false });
	boss.on('error', console.error);
	await boss.start();
	return boss;
}
async function workBoss(began, done) {
	const boss = await openBoss();
	await boss.work(QUEUE, { batchSize: BATCH, pollingIntervalSeconds: 0.5 }, async (jobs) => {
		for (const { data } of jobs)
			began(data);
		done(jobs.length);
	});
	return () => boss.stop({ graceful: false });
}
async function workBossFetch(began, done) {
	const boss = await openBoss();
	let going = true;
	const finished = (async () => {
		while (going) {
			const jobs = await boss.fetch(QUEUE, { batchSize: BATCH });
			for (const { data } of jobs)
				began(data);
			if (jobs.length > 0)
				await boss.complete(QUEUE, jobs.map((it) => it.id));
			else
				await new Promise((passed) => setTimeout(passed, 50));
			done(jobs.length);
		}
	})();
	return async () => { going = false; await finished; await boss.stop({ graceful: false }); };
}
/* Two processes, each of which works until it is told that all is done. */
async function workGraphileTogether(options, began, done) {
	const children = Array.from({ length: PROCESSES }, () => fork(process.argv[1], ['graphile-worker', 'child']));
	for (const child of children)
		child.on('message', ({ first, count }) => { if (first) began(null, first); if (count) done(count); });
	return () => Promise.all(children.map((child) => new Promise((ended) => { child.on('exit', ended); child.send('stop'); })));
}
const work = { 'graphile-worker': (began, done) => workGraphile({ pollInterval: 100 }, began, done),
	'graphile-worker-2': (began, done) => workGraphileTogether({}, began, done), 'pg-boss': workBoss, 'pg-boss-fetch': workBossFetch };

async function fill(pending) {
	await runMigrations({ connectionString, logger });
	await sql(`INSERT INTO graphile_worker._private_tasks (identifier) VALUES ('${QUEUE}') ON CONFLICT DO NOTHING`);
	const boss = await openBoss();
	await boss.createQueue(QUEUE);
	await boss.stop({ graceful: false });
	for (const name of Object.keys(made)) {
		const [{ count }] = await sql(`SELECT count(*) FROM ${table[name]}`);
		await sql(made[name](`SELECT n, now() + interval '1 year' + n * interval '1 second' AS at FROM generate_series(${count} + 1, ${pending}) AS n`));
		await sql(`VACUUM (ANALYZE) ${table[name]}`);
	}
}

/* Works until `count` jobs are done; what `began` is told is taken along. */
async function workOff(count, onBegin) {
	let first, last, left = count, stop, finish;
	const finished = new Promise((resolve) => { finish = resolve; });
	const began = (payload, at = now_us()) => { first = Math.min(first ?? at, at); onBegin?.(payload, at); };
	stop = await work[mode](began, (some) => { left -= some; if (some) last = now_us(); if (left <= 0) finish(); });
	await finished;
	await stop();
	return { first, last };
}
async function drain(count) {
	await sql(clear[family]);
	await sql(made[family](`SELECT n, now() - interval '1 second' AS at FROM generate_series(1, ${count}) AS n`));
	await sql(`VACUUM (ANALYZE) ${table[family]}`);
	const { first, last } = await workOff(count);
	console.log((count * 1e6 / (last - first)).toFixed(1));
}
async function latency(count, ms) {
	await sql(clear[family]);
	await sql(`VACUUM (ANALYZE) ${table[family]}`);
	await sql(made[family](`SELECT n, clock.now + interval '2 seconds' + n * interval '${ms} milliseconds' AS at
		FROM generate_series(1, ${count}) AS n, (SELECT now() AS now) AS clock`));
	const late = [];
	await workOff(count, ({ due }, at) => late.push(at - due));
	late.sort((a, b) => a - b);
	console.log([50, 99].map((percent) => Math.round(late[Math.floor((count - 1) * percent / 100)])).join(' '));
}
/* Says the first start at once and what is done every so often. */
async function child() {
	let count = 0, told = false;
	const tell = () => { if (count) process.send({ count }); count = 0; };
	const stop = await workGraphile({ pollInterval: 100 }, () => { if (!told) process.send({ first: now_us() }); told = true; },
		(some) => { count += some; });
	const timer = setInterval(tell, 5);
	process.on('message', async () => { clearInterval(timer); await stop(); process.disconnect(); });
}

if (mode === 'fill')
	await fill(Number(action));
else
	await ({ drain, latency, child })[action](...numbers.map(Number));
