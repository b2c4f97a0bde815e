-- Holidays: days on which reminders that are to come on working days do not. The daemon computes Korea's; an administrator
-- adds and takes away.

CREATE FUNCTION holiday_json(p store.holiday) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('country', p.country, 'day', p.day, 'name_en', p.name_en, 'name_ko', p.name_ko);
END $$;

-- What the daemon worked out, [{day, name_en, name_ko}, …]: what is there, or was taken away, stays so.
CREATE FUNCTION holidays_fill(p_caller uuid, p_days jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_caller(p_caller);
	INSERT INTO store.holiday (country, day, name_en, name_ko)
		SELECT 'KR', (d->>'day')::date, d->>'name_en', d->>'name_ko' FROM jsonb_array_elements(p_days) AS d
		ON CONFLICT DO NOTHING;
	RETURN '{}';
END $$;

-- Where the holidays put what comes next of a reminder: the occurrence that it waits for, or, while one is out, the first
-- after it that falls on another working day. NULL when that is not in stock.
CREATE FUNCTION holiday_place(p store.reminder) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_out timestamptz := workday(p.occurrence_at, p.timezone, p.workdays);
	v_at timestamptz := p.occurrence_at;
BEGIN
	IF p.status = 'pending' THEN
		RETURN v_out;
	END IF;
	LOOP
		v_at := occurrence_after(p.id, v_at);
		EXIT WHEN v_at IS NULL OR workday(v_at, p.timezone, p.workdays) > v_out;
	END LOOP;
	RETURN workday(v_at, p.timezone, p.workdays);
END $$;

-- Reminders that come around a day and stand where the holidays put them: they are put again when those change.
CREATE FUNCTION holiday_moves(p_day date) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN ARRAY(SELECT id FROM store.reminder r WHERE workdays IS NOT NULL
		AND fire_at BETWEEN p_day - interval '15 days' AND p_day + interval '15 days'
		AND fire_at = holiday_place(r) ORDER BY id);
END $$;

CREATE FUNCTION holiday_move(p_reminders uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE store.reminder r SET due_at = CASE WHEN status = 'pending' THEN holiday_place(r) ELSE due_at END,
			fire_at = holiday_place(r), version = version + 1, updated_at = clock_timestamp()
		WHERE id = ANY (p_reminders) AND fire_at <> holiday_place(r);
	PERFORM pg_notify('tracktwo', 'reminder');
END $$;

CREATE FUNCTION holiday_set(p_caller uuid, p_request jsonb, p_country text, p_day date, p_name_en text, p_name_ko text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_holiday store.holiday;
	v_moves uuid[];
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	v_moves := holiday_moves(p_day);
	INSERT INTO store.holiday AS h (country, day, name_en, name_ko)
		VALUES (coalesce(p_country, 'KR'), p_day, p_name_en, coalesce(p_name_ko, p_name_en))
		ON CONFLICT (country, day) DO UPDATE SET name_en = excluded.name_en, name_ko = excluded.name_ko, removed = false
		RETURNING * INTO v_holiday;
	PERFORM holiday_move(v_moves);
	RETURN write_end(p_caller, p_request, (p_request->>'request_id')::uuid, 1, holiday_json(v_holiday));
END $$;

CREATE FUNCTION holiday_remove(p_caller uuid, p_request jsonb, p_country text, p_day date) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_holiday store.holiday;
	v_moves uuid[];
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	v_moves := holiday_moves(p_day);
	UPDATE store.holiday SET removed = true WHERE country = coalesce(p_country, 'KR') AND day = p_day AND NOT removed
		RETURNING * INTO v_holiday;
	IF NOT FOUND THEN
		RETURN not_found('holiday', 'day');
	END IF;
	PERFORM holiday_move(v_moves);
	RETURN write_end(p_caller, p_request, (p_request->>'request_id')::uuid, 1, holiday_json(v_holiday));
END $$;

CREATE FUNCTION holiday_list(p_caller uuid, p_country text, p_since date, p_until date) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN page((SELECT jsonb_agg(holiday_json(h) ORDER BY h.day) FROM store.holiday h
		WHERE h.country = coalesce(p_country, 'KR') AND NOT h.removed AND h.day >= coalesce(p_since, '-infinity')
			AND h.day < coalesce(p_until, 'infinity')));
END $$;

-- Instants moved to working days, for reminder.preview: two that fall on one are one.
CREATE FUNCTION workdays_shift(p_caller uuid, p_instants timestamptz[], p_timezone text, p_workdays text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN (SELECT jsonb_agg(instant(at) ORDER BY at)
		FROM (SELECT DISTINCT workday(i, p_timezone, p_workdays) AS at FROM unnest(p_instants) AS i) AS moved);
END $$;
