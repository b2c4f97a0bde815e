-- Deliveries: the way of a reminder to a person, and the ledger of it.
--
-- A reminder whose time has come fires: it becomes due, and for each of its channels a delivery stands for this occurrence
-- until it is acknowledged (push), taken by the receiver's server (e-mail, webhook) or given up. A daemon claims deliveries
-- by a lease; each claim is an attempt, a row of its own. When the lease ends without a word, or the daemon does, the
-- delivery is free again, for whichever daemon comes, always under the same id: at least once, and the receiver can tell.

-- Rules: the daemon reads them and puts the later occurrences in stock.

-- An instant as a rule gives it, moved to a working day where that is asked for.
CREATE FUNCTION workday(p_at timestamptz, p_timezone text, p_workdays text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_local timestamp := p_at AT TIME ZONE p_timezone;
BEGIN
	IF p_workdays IS NULL THEN
		RETURN p_at;
	END IF;
	WHILE extract(isodow FROM v_local) > 5 OR EXISTS (SELECT FROM store.holiday
		WHERE country = 'KR' AND day = v_local::date AND NOT removed) LOOP
		v_local := v_local + CASE p_workdays WHEN 'next' THEN interval '1 day' ELSE interval '-1 day' END;
	END LOOP;
	RETURN v_local AT TIME ZONE p_timezone;
END $$;

-- The occurrence after that one, as far as it is in stock: NULL when it is not.
CREATE FUNCTION occurrence_after(p_reminder uuid, p_at timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT min(at) FROM store.reminder_occurrence WHERE reminder_id = p_reminder AND at > p_at);
END $$;

-- It is to come at that time, once more; what is out for the old time is withdrawn.
CREATE FUNCTION reminder_arm(p_id uuid, p_due_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE store.reminder SET due_at = p_due_at, fire_at = p_due_at, escalate_at = NULL, status = 'pending' WHERE id = p_id;
	PERFORM store.withdraw_deliveries(p_id);
END $$;

-- Arms the next occurrence of a rule; without one the reminder is done. Where the stock has run out before the rule, it
-- waits unarmed until there is more.
CREATE FUNCTION reminder_next(p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_reminder store.reminder;
	v_next timestamptz;
BEGIN
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id;
	v_next := occurrence_after(p_id, v_reminder.occurrence_at);
	-- Two that fall on one working day are one.
	WHILE workday(v_next, v_reminder.timezone, v_reminder.workdays)
		<= workday(v_reminder.occurrence_at, v_reminder.timezone, v_reminder.workdays) LOOP
		v_next := occurrence_after(p_id, v_next);
	END LOOP;
	IF v_next IS NOT NULL THEN
		PERFORM reminder_arm(p_id, workday(v_next, v_reminder.timezone, v_reminder.workdays));
		PERFORM stock_use(p_id, v_next);
	ELSIF v_reminder.stock = 'all' THEN
		PERFORM reminder_end(p_id, 'done', v_reminder.completion_note);
	ELSE
		PERFORM store.withdraw_deliveries(p_id);
		UPDATE store.reminder SET status = 'pending', fire_at = NULL, escalate_at = NULL, stock = 'wanted' WHERE id = p_id;
	END IF;
END $$;

-- The rule has come to that occurrence; when few are left behind it, the daemon is asked for more.
CREATE FUNCTION stock_use(p_id uuid, p_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM store.reminder_occurrence WHERE reminder_id = p_id AND at <= p_at;
	UPDATE store.reminder SET occurrence_at = p_at, stock = CASE WHEN stock = 'more'
			AND (SELECT count(*) FROM store.reminder_occurrence WHERE reminder_id = p_id) < 8 THEN 'wanted' ELSE stock END
		WHERE id = p_id;
END $$;

-- Rules whose occurrences are wanted: [{id, version, rrule, timezone, first_at, after, exdates}, …].
CREATE FUNCTION stock_wanted(p_caller uuid, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'rrule', rrule, 'timezone', timezone,
			'first_at', instant(first_at), 'after', instant(greatest(occurrence_at,
				(SELECT max(at) FROM store.reminder_occurrence WHERE reminder_id = r.id))),
			'exdates', (SELECT coalesce(jsonb_agg(instant(x)), '[]') FROM unnest(exdates) AS x))), '[]')
		FROM (SELECT * FROM store.reminder WHERE stock = 'wanted' AND status NOT IN ('done', 'cancelled') ORDER BY id
			LIMIT p_limit) AS r);
END $$;

-- What the daemon worked out: [{…what it was asked…, instants, more}, …]. What has been changed meanwhile is asked again.
CREATE FUNCTION stock_fill(p_caller uuid, p_stock jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_given jsonb;
	v_reminder store.reminder;
BEGIN
	PERFORM set_caller(p_caller);
	FOR v_given IN SELECT * FROM jsonb_array_elements(p_stock) AS s ORDER BY s->>'id' LOOP
		SELECT * INTO v_reminder FROM store.reminder WHERE id = (v_given->>'id')::uuid AND stock = 'wanted'
			AND status NOT IN ('done', 'cancelled')
			AND rrule = v_given->>'rrule' AND timezone = v_given->>'timezone'
			AND first_at = (v_given->>'first_at')::timestamptz AND exdates = texts(v_given->'exdates')::timestamptz[]
			AND (v_given->>'after')::timestamptz = greatest(occurrence_at,
				(SELECT max(at) FROM store.reminder_occurrence o WHERE o.reminder_id = store.reminder.id)) FOR UPDATE;
		CONTINUE WHEN NOT FOUND;
		INSERT INTO store.reminder_occurrence (reminder_id, at)
			SELECT v_reminder.id, at::timestamptz FROM jsonb_array_elements_text(v_given->'instants') AS at
			ON CONFLICT DO NOTHING;
		UPDATE store.reminder SET stock = CASE WHEN (v_given->>'more')::boolean THEN 'more' ELSE 'all' END
			WHERE id = v_reminder.id;
		IF v_reminder.fire_at IS NULL AND v_reminder.status = 'pending' THEN
			PERFORM reminder_next(v_reminder.id);
		ELSIF v_reminder.fire_at IS NULL THEN
			UPDATE store.reminder SET fire_at = workday(occurrence_after(id, occurrence_at), timezone, workdays)
				WHERE id = v_reminder.id;
		END IF;
	END LOOP;
	PERFORM pg_notify('tracktwo', 'reminder');
	RETURN '{}';
END $$;

-- Firing

-- A rule's reminder has come to the last of its occurrences that are due: those missed come as this one.
CREATE FUNCTION reminder_occur(p_reminder store.reminder, p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_at timestamptz := p_reminder.occurrence_at;
	v_due timestamptz := p_reminder.due_at;
	v_next timestamptz := occurrence_after(p_reminder.id, v_at);
	v_next_due timestamptz := workday(v_next, p_reminder.timezone, p_reminder.workdays);
BEGIN
	WHILE v_next_due <= p_now LOOP
		v_at := v_next;
		v_due := v_next_due;
		v_next := occurrence_after(p_reminder.id, v_at);
		v_next_due := workday(v_next, p_reminder.timezone, p_reminder.workdays);
	END LOOP;
	IF v_at <> p_reminder.occurrence_at THEN
		PERFORM store.withdraw_deliveries(p_reminder.id);
		PERFORM stock_use(p_reminder.id, v_at);
	END IF;
	UPDATE store.reminder SET due_at = v_due, fire_at = v_next_due WHERE id = p_reminder.id;
END $$;

-- Fires these reminders, which the caller has locked, whose time came at `p_at`. Pushes to these assignees are leased to the
-- daemon along, those deliveries are told; all else waits for whoever claims it. Planned each time, as
-- the tables may have been empty a moment ago, and for a way by the keys, however many there are by now.
CREATE FUNCTION reminders_fire(p_reminders uuid[], p_at timestamptz[], p_daemon uuid, p_assignees uuid[], p_lease_s int)
RETURNS uuid[] LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_leased uuid[];
BEGIN
	IF p_reminders IS NULL THEN
		RETURN '{}';
	END IF;
	PERFORM reminder_occur(r, v_now) FROM store.reminder r WHERE r.id = ANY (p_reminders) AND r.rrule IS NOT NULL;
	WITH come AS (UPDATE store.reminder r SET status = 'due', fire_at = CASE WHEN rrule IS NOT NULL THEN fire_at END,
				-- While nobody has answered the occurrence before, the clock runs on: a daily rule would put it off for ever.
				escalate_at = CASE WHEN status IN ('due', 'failed') AND escalate_at IS NOT NULL THEN escalate_at
					ELSE v_now + coalesce(escalate_after, interval '24 hours') END, version = version + 1, updated_at = v_now
			FROM unnest(p_reminders, p_at) AS fired(id, at) WHERE r.id = fired.id
			RETURNING r.id, r.assignee_id, r.channels, r.due_at, fired.at < v_now - interval '1 minute' AS late),
		message AS (SELECT f.id, f.assignee_id, c.channel, w.id AS webhook_id, f.due_at, f.late,
				c.channel = 'push' AND f.assignee_id = ANY (p_assignees) AS at_once
			FROM come f CROSS JOIN LATERAL unnest(f.channels) AS c(channel)
			LEFT JOIN store.webhook w ON c.channel = 'webhook' AND w.principal_id = f.assignee_id AND w.status = 'active'
			ORDER BY f.due_at, f.id),
		made AS (INSERT INTO store.delivery (id, reminder_id, assignee_id, channel, webhook_id, due_at, late, attempts,
				claimed_by, claimed_at, lease_until)
			SELECT store.uuid7(), m.id, m.assignee_id, m.channel, m.webhook_id, m.due_at, m.late, m.at_once::int,
				CASE WHEN m.at_once THEN p_daemon END, CASE WHEN m.at_once THEN v_now END,
				v_now + CASE WHEN m.at_once THEN make_interval(secs => p_lease_s) ELSE interval '0' END
			FROM message m ON CONFLICT DO NOTHING RETURNING id, attempts),
		attempt AS (INSERT INTO store.delivery_attempt (delivery_id, number, claimed_by, claimed_at, ended_at, outcome)
			SELECT id, 1, p_daemon, v_now, v_now, 'pushed' FROM made WHERE attempts = 1 RETURNING delivery_id)
		SELECT coalesce(array_agg(delivery_id), '{}') INTO v_leased FROM attempt;
	RETURN v_leased;
END $$;

-- Somebody else is told of reminders: of one that nobody acknowledged, or of one that could not be delivered.
CREATE FUNCTION reminder_tell(p_reminder store.reminder, p_reason text, p_people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
BEGIN
	INSERT INTO store.delivery (id, reminder_id, assignee_id, channel, reason, due_at, late, lease_until)
		SELECT store.uuid7(), p_reminder.id, o.id, c.channel, p_reason, p_reminder.due_at, true, v_now
		FROM store.principal o CROSS JOIN LATERAL unnest(ARRAY['push'] || CASE WHEN o.email IS NOT NULL
			THEN '{email}'::text[] ELSE '{}' END) AS c(channel)
		WHERE o.id = ANY (p_people) AND o.status = 'active'
		ON CONFLICT DO NOTHING;
	PERFORM pg_notify('tracktwo', 'reminder');
END $$;

-- Who is told instead of a person: whoever stands next to the reminder and is still with us, that person themselves when there
-- is nobody else.
CREATE FUNCTION reminder_others(p_reminder store.reminder, p_person uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT array_agg(id) FROM (SELECT o.id, rank() OVER (ORDER BY CASE
				WHEN o.id = p_person THEN 4 WHEN o.id = store.standing(p_reminder.escalate_to) THEN 1
				WHEN o.id = store.standing(p_reminder.created_by) THEN 2 ELSE 3 END) AS place
			FROM store.principal o WHERE o.status = 'active' AND (o.role = 'administrator' OR o.id IN (p_person,
				store.standing(p_reminder.escalate_to), store.standing(p_reminder.created_by)))) AS near
		WHERE place = 1);
END $$;

-- Nobody has acknowledged it for as long as was said: somebody else is told. Where nothing was said, that is so only for what
-- has reached nobody in a day, as when it is pushed and nobody listens: first the person themselves by mail.
CREATE FUNCTION reminders_escalate(p_reminders uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_reminder store.reminder;
	v_now timestamptz := clock_timestamp();
BEGIN
	FOR v_reminder IN SELECT * FROM store.reminder WHERE id = ANY (p_reminders) ORDER BY escalate_at LOOP
		UPDATE store.reminder SET escalate_at = NULL WHERE id = v_reminder.id;
		IF v_reminder.escalate_to IS NOT NULL THEN
			PERFORM reminder_tell(v_reminder, 'escalation', reminder_others(v_reminder, v_reminder.assignee_id));
		ELSIF NOT EXISTS (SELECT FROM store.delivery WHERE reminder_id = v_reminder.id AND (due_at = v_reminder.due_at
			OR claimed_at >= v_reminder.escalate_at - interval '24 hours')
			AND (channel = 'push' AND attempts > 0 OR outcome = 'delivered')) THEN
			INSERT INTO store.delivery (id, reminder_id, assignee_id, channel, due_at, late, lease_until)
				SELECT store.uuid7(), v_reminder.id, o.id, 'email', v_reminder.due_at, true, v_now FROM store.principal o
				WHERE o.id = v_reminder.assignee_id AND o.email IS NOT NULL AND o.status = 'active'
					AND 'email' <> ALL (v_reminder.channels) ON CONFLICT DO NOTHING;
			PERFORM reminder_tell(v_reminder, 'failure', reminder_others(v_reminder, v_reminder.assignee_id)) WHERE NOT FOUND;
		END IF;
	END LOOP;
END $$;

-- Claiming

-- Leases these deliveries to a daemon; an attempt that was never reported is lost.
CREATE FUNCTION deliveries_lease(p_ids uuid[], p_daemon uuid, p_lease_s int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
BEGIN
	IF p_ids = '{}' THEN
		RETURN;
	END IF;
	-- What was lost a hundred times will not arrive: it may be what kills the daemons that try.
	PERFORM delivery_failed(d) FROM unnest(p_ids) AS ids(id) JOIN store.delivery d ON d.id = ids.id
		WHERE d.channel <> 'push' AND d.attempts >= 100 AND (SELECT count(*) FROM store.delivery_attempt a
			WHERE a.delivery_id = d.id AND a.outcome = 'lost') >= 100;
	UPDATE store.delivery_attempt a SET ended_at = v_now, outcome = 'lost'
		FROM unnest(p_ids) AS ids(id) JOIN store.delivery d ON d.id = ids.id
		WHERE a.delivery_id = d.id AND a.number = d.attempts AND a.ended_at IS NULL;
	WITH leased AS (UPDATE store.delivery d SET attempts = attempts + 1, claimed_by = p_daemon, claimed_at = v_now,
			lease_until = v_now + make_interval(secs => p_lease_s) FROM unnest(p_ids) AS ids(id)
			WHERE d.id = ids.id AND d.ended_at IS NULL RETURNING d.id, d.attempts, d.channel)
		INSERT INTO store.delivery_attempt (delivery_id, number, claimed_by, claimed_at, ended_at, outcome)
			SELECT id, attempts, p_daemon, v_now, CASE WHEN channel = 'push' THEN v_now END,
				CASE WHEN channel = 'push' THEN 'pushed' END FROM leased;
END $$;

-- The four that follow find the first of many, in tables that are large or were empty a moment ago, at every claim. The way is
-- always the index that has it first. Planned for each call, that costs more than the call; planned once, while a table is
-- empty, it may be any way: so the ways that read all of it are closed.

-- Up to p_limit reminders whose time has come, the first first, locked; none where there are none. Until a rule has been
-- worked out nobody knows what it has missed; but that must not take for ever.
CREATE FUNCTION reminders_due(p_limit int, OUT reminders uuid[], OUT at timestamptz[]) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
BEGIN
	SELECT array_agg(id), array_agg(fire_at) INTO reminders, at FROM (SELECT id, fire_at FROM store.reminder
		WHERE fire_at <= v_now AND (stock IS DISTINCT FROM 'wanted' OR updated_at < v_now - interval '5 seconds')
		ORDER BY fire_at, id LIMIT p_limit FOR UPDATE SKIP LOCKED) AS due;
END $$;

-- Up to p_limit reminders that are to be escalated, locked.
CREATE FUNCTION reminders_unheard(p_limit int) RETURNS uuid[] LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
	v_now timestamptz := clock_timestamp(); -- a volatile function ends no scan of an index
BEGIN
	RETURN ARRAY(SELECT id FROM store.reminder WHERE escalate_at <= v_now ORDER BY escalate_at
		LIMIT p_limit FOR UPDATE SKIP LOCKED);
END $$;

-- When there is something to claim next; p_more: there is room for more messages.
CREATE FUNCTION claim_next(p_daemon uuid, p_assignees uuid[], p_able text[], p_more boolean) RETURNS timestamptz
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
BEGIN
	RETURN (SELECT min(at) FROM (
		(SELECT fire_at AS at FROM store.reminder WHERE fire_at IS NOT NULL ORDER BY fire_at LIMIT 1)
		UNION ALL (SELECT escalate_at FROM store.reminder WHERE escalate_at IS NOT NULL ORDER BY escalate_at LIMIT 1)
		UNION ALL SELECT min(digest_due) FROM store.principal WHERE digest_due IS NOT NULL AND 'email' = ANY (p_able)
		UNION ALL SELECT min(lease_until) FROM unnest(p_assignees) AS a(id), LATERAL (SELECT d.lease_until
			FROM store.delivery d WHERE d.assignee_id = a.id AND d.ended_at IS NULL AND d.channel = 'push'
			ORDER BY d.lease_until LIMIT 1) AS first
		UNION ALL SELECT first.lease_until + CASE WHEN c.channel = ANY (p_able) THEN interval '0' ELSE interval '1 minute' END
			FROM unnest('{email,webhook}'::text[]) AS c(channel), LATERAL (SELECT d.lease_until FROM store.delivery d
			WHERE d.channel = c.channel AND d.ended_at IS NULL AND d.channel <> 'push' ORDER BY d.lease_until LIMIT 1) AS first
			WHERE p_more
		UNION ALL SELECT clock_timestamp() + interval '5 seconds' WHERE EXISTS (SELECT FROM store.delivery WHERE ended_at IS NULL
			AND channel <> 'push' AND claimed_by IS NOT NULL AND claimed_by <> p_daemon)) AS next);
END $$;

-- Free deliveries of one channel, the longest free first. A daemon that cannot send on a channel takes what has been free
-- for a minute, to say so: perhaps another one can. What is held for longer than a pause between two attempts, by a claim
-- that lies ahead, was held by a clock that has been set back since: that holds nothing. p_assignees matters to pushes alone.
CREATE FUNCTION deliveries_free(p_channel text, p_assignees uuid[], p_able boolean, p_limit int) RETURNS uuid[]
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
	v_free uuid[];
	v_before timestamptz := clock_timestamp() - CASE WHEN p_able THEN interval '0' ELSE interval '1 minute' END;
	v_now timestamptz := clock_timestamp();
	v_beyond timestamptz := v_now + CASE p_channel WHEN 'push' THEN interval '10 minutes' ELSE interval '75 minutes' END;
BEGIN
	IF p_channel = 'push' THEN
		v_free := ARRAY(SELECT d.id FROM unnest(p_assignees) AS a(id), LATERAL (SELECT id FROM store.delivery
			WHERE ended_at IS NULL AND channel = 'push' AND assignee_id = a.id AND lease_until <= v_before
			ORDER BY lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED) AS d LIMIT p_limit);
		RETURN v_free || ARRAY(SELECT d.id FROM unnest(p_assignees) AS a(id), LATERAL (SELECT id FROM store.delivery
			WHERE ended_at IS NULL AND channel = 'push' AND assignee_id = a.id AND lease_until > v_beyond
			ORDER BY lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED) AS d LIMIT p_limit - cardinality(v_free));
	END IF;
	v_free := ARRAY(SELECT id FROM store.delivery WHERE ended_at IS NULL AND channel <> 'push' AND channel = p_channel
		AND lease_until <= v_before ORDER BY lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED);
	RETURN v_free || ARRAY(SELECT id FROM store.delivery WHERE ended_at IS NULL AND channel <> 'push'
		AND channel = p_channel AND lease_until > v_beyond AND coalesce(claimed_at, lease_until) > v_now
		LIMIT p_limit - cardinality(v_free) FOR UPDATE SKIP LOCKED);
END $$;

-- The channels of messages, the one of which this daemon has less under way first: a mail server that hangs, and mails
-- without end that wait for it, leave room for posts, and the other way round.
CREATE FUNCTION channels_in_turn(p_daemon uuid) RETURNS text[] LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
	RETURN ARRAY(SELECT c.channel FROM unnest('{email,webhook}'::text[]) AS c(channel) ORDER BY (SELECT count(*)
		FROM store.delivery d WHERE d.ended_at IS NULL AND d.channel <> 'push' AND d.claimed_by = p_daemon
			AND d.channel = c.channel), c.channel);
END $$;

-- What is under way with a daemon that has gone is free at once. Each holds a lock under its id as long as it listens, by the
-- last eight bytes of it; whoever gets that lock knows that nobody holds it, and holds it to the end of the transaction.
-- Each keeps the place that its due time gives it.
CREATE FUNCTION deliveries_abandoned(p_daemon uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_gone uuid[] := ARRAY(SELECT claimed_by FROM (SELECT DISTINCT claimed_by FROM store.delivery
			WHERE ended_at IS NULL AND channel <> 'push' AND claimed_by IS NOT NULL AND claimed_by <> p_daemon) AS others
		WHERE pg_try_advisory_xact_lock(('x' || right(replace(claimed_by::text, '-', ''), 16))::bit(64)::bigint));
BEGIN
	IF v_gone <> '{}' THEN
		UPDATE store.delivery SET claimed_by = NULL, lease_until = least(due_at, clock_timestamp())
			WHERE id IN (SELECT id FROM store.delivery WHERE ended_at IS NULL AND channel <> 'push'
				AND claimed_by = ANY (v_gone) FOR UPDATE SKIP LOCKED);
	END IF;
END $$;

-- Other daemons have subscribers too; a payload holds fewer than 8,000 bytes.
CREATE FUNCTION deliveries_tell(p_daemon uuid, p_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('tracktwo', 'delivery ' || p_daemon || ' ' || string_agg(id::text, ',')) FROM (
		SELECT id, (row_number() OVER () - 1) / 100 AS part FROM unnest(p_ids) AS id) AS parts GROUP BY part;
END $$;

-- What it is about, in a line for a message, and how sensitive that is: (title, level).
CREATE FUNCTION reminder_about(p store.reminder, OUT title text, OUT level smallint) LANGUAGE plpgsql STABLE AS $$
BEGIN
	title := NULL;
	level := 1;
	IF p.engagement_id IS NOT NULL THEN
		SELECT e.title, e.sensitivity INTO title, level FROM store.engagement e WHERE e.id = p.engagement_id;
	ELSIF p.contact_id IS NOT NULL THEN
		SELECT c.name, c.sensitivity INTO title, level FROM store.contact c WHERE c.id = p.contact_id;
	ELSIF p.dialogue_id IS NOT NULL THEN
		SELECT d.title INTO title FROM store.dialogue d WHERE d.id = p.dialogue_id;
	ELSIF p.commitment_id IS NOT NULL THEN
		SELECT m.body, greatest(e.sensitivity, b.sensitivity, t.sensitivity, 1) INTO title, level FROM store.commitment m
			LEFT JOIN store.engagement e ON e.id = m.engagement_id LEFT JOIN store.contact b ON b.id = m.by_contact_id
			LEFT JOIN store.contact t ON t.id = m.to_contact_id WHERE m.id = p.commitment_id;
	END IF;
END $$;

-- What a delivery carries, beside the reminder: whom a message goes to, what it is about, how a post is signed.
-- Mail passes through servers of others: of what is restricted or secret it says only that there is something.
CREATE FUNCTION delivery_message(p store.delivery) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_reminder store.reminder;
	v_person store.principal;
	v_hook store.webhook;
	v_about record;
BEGIN
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p.reminder_id;
	SELECT * INTO v_person FROM store.principal WHERE id = p.assignee_id;
	SELECT * INTO v_hook FROM store.webhook WHERE id = p.webhook_id AND status = 'active';
	SELECT * INTO v_about FROM reminder_about(v_reminder);
	RETURN jsonb_build_object('attempt', p.attempts, 'to', jsonb_build_object('name', v_person.name, 'email', v_person.email,
			'language', coalesce(v_person.language, 'en')),
		'local_due', to_char(v_reminder.due_at AT TIME ZONE v_person.timezone, 'YYYY-MM-DD HH24:MI'),
		'local_zone', v_person.timezone, 'about_title', v_about.title, 'discreet', coalesce(v_about.level > 1, false),
		'webhook', CASE WHEN v_hook.id IS NOT NULL THEN jsonb_build_object('url', v_hook.url, 'secrets', jsonb_build_array(
			webhook_secret_text(v_hook.secret)) || CASE WHEN v_hook.secret_before_until > clock_timestamp()
			THEN jsonb_build_array(webhook_secret_text(v_hook.secret_before)) ELSE '[]' END) END)
		|| CASE WHEN p.reason = 'digest' THEN jsonb_build_object('digest', digest(v_person, p.due_at)) ELSE '{}' END;
END $$;

-- What is sent, [{delivery_id, channel, reason, assignee, reminder, …}, …] in order of due time: as text, because a
-- document of hundreds is copied at each level that it is built into. The reminder of a push is passed on as it is, so it
-- stands there as one string. Planned once, by the keys.
CREATE FUNCTION deliveries_json(p_ids uuid[]) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off AS $$
DECLARE
	v_ids uuid[]; v_reminders uuid[]; v_texts text[];
BEGIN
	SELECT array_agg(d.id ORDER BY d.due_at, d.id), array_agg(d.reminder_id ORDER BY d.due_at, d.id) INTO v_ids, v_reminders
		FROM unnest(p_ids) AS ids(id) JOIN store.delivery d ON d.id = ids.id AND d.outcome IS NULL;
	-- Not in the query itself: the planner would ask for it once more, to see how many there are.
	v_texts := reminder_texts(v_reminders);
	RETURN (SELECT '[' || coalesce(string_agg(format('{"delivery_id":"%s","channel":"%s","reason":"%s","assignee":"%s",'
			'"message":%s,"reminder":%s}', d.id, d.channel, d.reason, d.assignee_id, CASE WHEN d.channel = 'push' THEN 'null'
				ELSE delivery_message(d)::text END, CASE d.channel WHEN 'push' THEN to_json(due.body)::text
				ELSE coalesce(due.body, 'null') END), ',' ORDER BY due.place), '') || ']'
		FROM unnest(v_ids, v_texts) WITH ORDINALITY AS due(id, body, place)
			JOIN store.delivery d ON d.id = due.id);
END $$;

-- Digests whose hour has come, one for each person however many were missed.
CREATE FUNCTION digests_make(p_limit int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_person store.principal;
	v_now timestamptz := clock_timestamp();
BEGIN
	FOR v_person IN SELECT * FROM store.principal WHERE digest_due <= v_now ORDER BY digest_due
		LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
		INSERT INTO store.delivery (id, assignee_id, channel, reason, due_at, late, lease_until)
			VALUES (store.uuid7(), v_person.id, 'email', 'digest', v_person.digest_due,
				v_person.digest_due < v_now - interval '1 hour', v_now) ON CONFLICT DO NOTHING;
		UPDATE store.principal SET digest_due = store.digest_next(v_person) WHERE id = v_person.id;
	END LOOP;
END $$;

-- Makes what has come due, and claims what this daemon can send: pushes to subscribers of these assignees, and up to
-- p_room messages on the channels of p_able. → {claimed, deliveries, fired, due_in_us, stock}: the deliveries, and at
-- once what reminder_deliveries() says of them where they are few; how many reminders came due, when to ask again, NULL for
-- no time, and whether rules want working out. While another daemon has messages under way
-- it is asked again soon: that one may die.
CREATE FUNCTION reminder_claim(p_caller uuid, p_daemon uuid, p_assignees uuid[], p_able text[], p_room integer,
	p_lease_s integer, p_message_lease_s integer, p_limit integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_due uuid[]; v_at timestamptz[]; v_fired uuid[]; v_push uuid[]; v_messages uuid[] := '{}'; v_unheard uuid[];
	v_next timestamptz; v_channel text; v_claimed uuid[];
	k_few CONSTANT int := 16;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT d.reminders, d.at INTO v_due, v_at FROM reminders_due(p_limit) AS d;
	v_fired := reminders_fire(v_due, v_at, p_daemon, p_assignees, p_lease_s);
	v_unheard := reminders_unheard(p_limit);
	PERFORM reminders_escalate(v_unheard) WHERE v_unheard <> '{}';
	PERFORM digests_make(8) WHERE 'email' = ANY (p_able);
	PERFORM deliveries_abandoned(p_daemon);
	v_push := deliveries_free('push', p_assignees, true, p_limit);
	FOREACH v_channel IN ARRAY channels_in_turn(p_daemon) LOOP
		v_messages := v_messages || deliveries_free(v_channel, NULL, v_channel = ANY (p_able),
			p_room - cardinality(v_messages));
	END LOOP;
	PERFORM deliveries_lease(v_push, p_daemon, p_lease_s);
	PERFORM deliveries_lease(v_messages, p_daemon, p_message_lease_s);
	PERFORM deliveries_tell(p_daemon, v_push || v_fired);
	v_next := claim_next(p_daemon, p_assignees, p_able, p_room > cardinality(v_messages));
	v_claimed := v_push || v_fired || v_messages;
	RETURN format('{"claimed":%s,"deliveries":%s,"fired":%s,"due_in_us":%s,"stock":%s}', to_jsonb(v_claimed),
		CASE WHEN cardinality(v_claimed) BETWEEN 1 AND k_few THEN deliveries_json(v_claimed) ELSE 'null' END,
		coalesce(cardinality(v_due), 0),
		CASE WHEN v_next IS NULL THEN 'null' WHEN v_next <= v_now THEN '0'
			ELSE greatest(ceil(extract(epoch FROM v_next - clock_timestamp()) * 1000000), 1)::text END, to_jsonb(
		EXISTS (SELECT FROM store.reminder WHERE stock = 'wanted' AND status NOT IN ('done', 'cancelled'))));
END $$;

-- For one who has just subscribed: what is due and unacknowledged for the assignee, in order of due time, a page at a time.
-- What has not fired yet fires, and what nobody has claimed is claimed along. → {deliveries, made, after}: which of them
-- are news, and where the next page begins, NULL on the last.
CREATE FUNCTION reminder_catch_up(p_caller uuid, p_daemon uuid, p_assignee uuid, p_after text, p_lease_s integer,
	p_limit integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_after jsonb := cursor_read(p_after);
	v_keys timestamptz[]; v_reminders uuid[]; v_due uuid[]; v_at timestamptz[]; v_fired uuid[]; v_made uuid[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF NOT EXISTS (SELECT FROM store.principal WHERE id = p_assignee) THEN
		RETURN not_found('principal', 'assignee')::text;
	END IF;
	SELECT array_agg(at), array_agg(id) INTO v_keys, v_reminders FROM (
		SELECT at, id FROM (
			(SELECT r.fire_at AS at, r.id FROM store.reminder r
				WHERE r.assignee_id = p_assignee AND r.fire_at <= v_now AND 'push' = ANY (r.channels)
					AND r.stock IS DISTINCT FROM 'wanted'
				ORDER BY r.fire_at, r.id LIMIT p_limit)
			UNION
			(SELECT d.due_at, d.reminder_id FROM store.delivery d
				WHERE d.assignee_id = p_assignee AND d.ended_at IS NULL AND d.channel = 'push' AND (v_after IS NULL
					OR (d.due_at, d.reminder_id) > ((v_after->>0)::timestamp AT TIME ZONE 'UTC', (v_after->>1)::uuid))
				ORDER BY d.due_at, d.reminder_id LIMIT p_limit)) AS due ORDER BY at, id LIMIT p_limit) AS page;
	SELECT array_agg(id), array_agg(fire_at) INTO v_due, v_at FROM (SELECT r.id, r.fire_at FROM store.reminder r
		WHERE r.id = ANY (v_reminders) AND r.fire_at <= v_now ORDER BY r.id FOR UPDATE SKIP LOCKED) AS due;
	v_fired := reminders_fire(v_due, v_at, p_daemon, ARRAY[p_assignee], p_lease_s);
	v_ids := ARRAY(SELECT DISTINCT d.id FROM unnest(v_reminders) AS ids(id) JOIN store.delivery d ON d.reminder_id = ids.id
		WHERE d.assignee_id = p_assignee AND d.ended_at IS NULL AND d.channel = 'push');
	v_made := ARRAY(SELECT d.id FROM unnest(v_ids) AS ids(id) JOIN store.delivery d ON d.id = ids.id
		WHERE d.lease_until <= v_now FOR UPDATE OF d SKIP LOCKED);
	PERFORM deliveries_lease(v_made, p_daemon, p_lease_s);
	v_made := v_made || v_fired;
	PERFORM deliveries_tell(p_daemon, v_made);
	RETURN format('{"deliveries":%s,"made":%s,"after":%s}', deliveries_json(v_ids), to_jsonb(v_made), coalesce(to_jsonb(
		CASE WHEN cardinality(v_reminders) = p_limit
			THEN cursor_make((v_keys[p_limit] AT TIME ZONE 'UTC')::text, v_reminders[p_limit]) END)::text, 'null'));
END $$;

-- What is to be sent of these deliveries: what this daemon has claimed, and the pushes to these assignees that another one has;
-- without what has been acknowledged or withdrawn meanwhile. It is read apart from the claim, so that the next claim is
-- made meanwhile.
CREATE FUNCTION reminder_deliveries(p_caller uuid, p_daemon uuid, p_assignees uuid[], p_deliveries uuid[]) RETURNS text
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN format('{"deliveries":%s}', deliveries_json(ARRAY(SELECT d.id FROM unnest(p_deliveries) AS ids(id)
		JOIN store.delivery d ON d.id = ids.id
		WHERE CASE d.channel WHEN 'push' THEN d.assignee_id = ANY (p_assignees) ELSE d.claimed_by = p_daemon END)));
END $$;

-- Reporting

-- It could not be delivered, and will not be tried again by itself: somebody is told, by another way than the one that
-- failed where there is one. A notice of a failure that fails leaves only the journal and the metrics.
CREATE FUNCTION delivery_failed(p_delivery store.delivery) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_reminder store.reminder;
BEGIN
	UPDATE store.delivery SET ended_at = clock_timestamp(), outcome = 'failed', claimed_by = NULL WHERE id = p_delivery.id;
	IF p_delivery.reason NOT IN ('due', 'escalation') THEN
		RETURN;
	END IF;
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_delivery.reminder_id;
	UPDATE store.reminder SET status = 'failed', version = version + 1, updated_at = clock_timestamp()
		WHERE id = v_reminder.id AND status = 'due' AND due_at = p_delivery.due_at;
	PERFORM reminder_tell(v_reminder, 'failure', reminder_others(v_reminder, p_delivery.assignee_id));
END $$;

-- What came of messages: [{delivery_id, attempt, outcome: sent | retry | refused | gone, answer, retry_after_s?}, …]; tries
-- again with back-off that doubles from p_first_s up to an hour, jittered by a quarter either way, at most p_most times. What
-- it is told twice it does once. → {failed: [delivery_id, …]}.
CREATE FUNCTION delivery_report(p_caller uuid, p_results jsonb, p_first_s integer, p_most integer) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_result jsonb;
	v_delivery store.delivery;
	v_failed uuid[] := '{}';
	v_news boolean;
	v_now timestamptz := clock_timestamp();
BEGIN
	PERFORM set_caller(p_caller);
	-- Reminders before deliveries, and both in order, as everybody locks them.
	PERFORM FROM store.reminder WHERE id IN (SELECT d.reminder_id FROM store.delivery d JOIN jsonb_array_elements(p_results) AS r
		ON d.id = (r->>'delivery_id')::uuid) ORDER BY id FOR UPDATE;
	FOR v_result IN SELECT * FROM jsonb_array_elements(p_results) AS r ORDER BY r->>'delivery_id' LOOP
		SELECT * INTO v_delivery FROM store.delivery WHERE id = (v_result->>'delivery_id')::uuid FOR UPDATE;
		UPDATE store.delivery_attempt SET ended_at = v_now, outcome = v_result->>'outcome', answer = left(v_result->>'answer', 500)
			WHERE delivery_id = v_delivery.id AND number = (v_result->>'attempt')::int
				AND (ended_at IS NULL OR outcome = 'lost');
		v_news := FOUND;
		IF v_delivery.outcome = 'failed' THEN
			v_failed := v_failed || v_delivery.id;
		END IF;
		CONTINUE WHEN NOT v_news OR v_delivery.ended_at IS NOT NULL;
		IF v_result->>'outcome' = 'sent' THEN
			UPDATE store.delivery SET ended_at = v_now, outcome = 'delivered', claimed_by = NULL WHERE id = v_delivery.id;
		ELSIF v_result->>'outcome' = 'retry' AND v_delivery.attempts <> (v_result->>'attempt')::int THEN
			NULL; -- another attempt is under way already
		ELSIF v_result->>'outcome' = 'retry' AND v_delivery.failures + 1 < p_most THEN
			UPDATE store.delivery SET failures = failures + 1, claimed_by = NULL, lease_until = v_now + make_interval(
					secs => greatest(coalesce((v_result->>'retry_after_s')::double precision, 0),
					least(3600, p_first_s * 2 ^ least(v_delivery.failures, 20)) * (0.75 + random() / 2)))
				WHERE id = v_delivery.id;
		ELSE
			UPDATE store.webhook SET status = 'disabled', disabled_because = 'its server answered 410: gone',
				version = version + 1, updated_at = v_now
				WHERE id = v_delivery.webhook_id AND v_result->>'outcome' = 'gone' AND status = 'active';
			PERFORM delivery_failed(v_delivery);
			v_failed := v_failed || v_delivery.id;
		END IF;
	END LOOP;
	RETURN jsonb_build_object('failed', to_jsonb(v_failed));
END $$;
