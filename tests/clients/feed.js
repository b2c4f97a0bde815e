/* ical.js reads a feed back: what was logged is what a calendar shows. */
import assert from 'node:assert/strict';
import ICAL from 'ical.js';
import { check, daemon } from './check.js';

async function call(method, params) {
	const answer = await fetch(`${daemon.url}/rpc`, {
		method: 'POST', headers: { 'Content-Type': 'application/json', ...daemon.bearer },
		body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
	const { result, error } = await answer.json();
	assert.equal(error, undefined, JSON.stringify(error));
	return result;
}
const log = (title, more) => call('engagement.log', { title, kind: 'meeting', countries: ['MN'], workstreams: ['2.3'], ...more });

const title = '울란바토르 안보 대화, 준비 회의; 제3차 “동북아 평화” \\ 세션 — 한국어 제목이 75 옥텟을 넘어 접힌다 😀 몽골에서';
const made = {
	timed: await log(title, { starts_at: '2099-03-01T10:00:00+09:00', ends_at: '2099-03-01T12:30:00+09:00', location: '울란바토르, 정부청사; 2층' }),
	point: await log('끝을 모르는 통화', { starts_at: '2099-03-02T00:00:00Z', status: 'tentative' }),
	days: await log('사흘', { starts_on: '2099-03-03', ends_on: '2099-03-05' }),
	month: await log('이월 중', { starts_on: '2096-02-10', precision: 'month' }),
	cancelled: await log('취소됨', { starts_on: '2099-04-01', status: 'cancelled' }),
	last: await log('The end of days', { starts_on: '9999-12-31' }),
};
const reminder = await call('reminder.create', { note: '서류를 보낸다\n두 줄째, 쉼표; 쌍반점', due_at: '2099-02-01T09:00:00+09:00',
	about: { engagement_id: made.timed.id } });
const done = await call('reminder.create', { note: '끝난 일', due_at: '2099-02-02T00:00:00Z', about: { engagement_id: made.timed.id } });
const completed = await call('reminder.complete', { id: done.id });
const feed = await call('calendar.create', { country: 'MN', name: '몽골, 일정' });
const text = await (await fetch(daemon.url + feed.path)).text();

let calendar;
const event = (id) => calendar.getAllSubcomponents('vevent').map((it) => new ICAL.Event(it)).find(({ uid }) => uid === id);
const todo = (id) => calendar.getAllSubcomponents('vtodo').find((it) => it.getFirstPropertyValue('uid') === id);

await check('ical.js: parses the feed', () => {
	calendar = new ICAL.Component(ICAL.parse(text));
	assert.equal(calendar.getFirstPropertyValue('version'), '2.0');
	/* Neither is known to it, so both come with their escapes. */
	for (const name of ['name', 'x-wr-calname'])
		assert.equal(calendar.getFirstPropertyValue(name), '몽골\\, 일정');
	assert.equal(calendar.getFirstPropertyValue('refresh-interval').toSeconds(), 900);
	assert.equal(calendar.getFirstProperty('method'), null);
});
await check('ical.js: no line is longer than 75 octets', () => {
	for (const line of text.split('\r\n'))
		assert.ok(Buffer.byteLength(line) <= 75, line);
});
await check('ical.js: an hour and a half in Ulaanbaatar', () => {
	const it = event(made.timed.id);
	assert.equal(it.summary, title);
	assert.equal(it.location, '울란바토르, 정부청사; 2층');
	assert.equal(it.startDate.toJSDate().toISOString(), '2099-03-01T01:00:00.000Z');
	assert.equal(it.endDate.toJSDate().toISOString(), '2099-03-01T03:30:00.000Z');
	assert.equal(it.component.getFirstPropertyValue('status'), 'CONFIRMED');
	assert.deepEqual(it.component.getFirstProperty('categories').getValues(), ['MN', '2.3']);
	assert.equal(it.component.getFirstPropertyValue('dtstamp').toJSDate().getTime(), Math.floor(new Date(made.timed.updated_at) / 1000) * 1000);
});
await check('ical.js: a call whose end nobody knows', () => {
	const it = event(made.point.id);
	assert.equal(it.duration.toSeconds(), 0);
	assert.equal(it.component.getFirstPropertyValue('status'), 'TENTATIVE');
});
await check('ical.js: days, a month, and the last day of all', () => {
	for (const [key, first, behind] of [['days', '2099-03-03', '2099-03-06'], ['month', '2096-02-01', '2096-03-01']]) {
		const it = event(made[key].id);
		assert.ok(it.startDate.isDate);
		assert.equal(it.startDate.toString(), first);
		assert.equal(it.endDate.toString(), behind);
	}
	assert.equal(event(made.last.id).startDate.toString(), '9999-12-31');
});
await check('ical.js: cancelled stays cancelled', () => {
	assert.equal(event(made.cancelled.id).component.getFirstPropertyValue('status'), 'CANCELLED');
});
await check('ical.js: reminders as to-dos, with an alarm while they are open', () => {
	const open = todo(reminder.id), ended = todo(done.id), alarm = open.getFirstSubcomponent('valarm');
	assert.equal(open.getFirstPropertyValue('summary'), '서류를 보낸다\n두 줄째, 쉼표; 쌍반점');
	assert.equal(open.getFirstPropertyValue('due').toJSDate().toISOString(), '2099-02-01T00:00:00.000Z');
	assert.equal(open.getFirstPropertyValue('status'), 'NEEDS-ACTION');
	assert.equal(alarm.getFirstPropertyValue('action'), 'DISPLAY');
	assert.equal(alarm.getFirstPropertyValue('trigger').toString(), '2099-02-01T00:00:00Z');
	assert.equal(ended.getFirstPropertyValue('status'), 'COMPLETED');
	assert.equal(ended.getFirstPropertyValue('sequence'), completed.version - 1);
	assert.equal(ended.getFirstSubcomponent('valarm'), null);
});
