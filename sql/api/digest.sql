-- The morning digest: what a person should know before the day begins, in their language. It is sent even when there is
-- nothing to say, because its absence is an alarm. It goes by mail, so nothing above `internal` is in it; but of a reminder
-- about more than that it says that there is one, as the reminder's own mail does, lest "nothing" be read as nothing to do.

CREATE FUNCTION digest_words(p_language text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE WHEN p_language LIKE 'ko%' THEN jsonb_build_object('subject', '오늘의 할 일', 'none', '없음', 'more', '그 밖에 %s건',
		'overdue', '기한이 지난 알림', 'today', '오늘 알림', 'we_owe', '우리가 지키지 못한 약속', 'they_owe', '상대가 지키지 않은 약속',
		'readout', '끝났으나 결과가 없는 일정', 'week', '앞으로 7일간의 일정', 'neglected', '연락이 뜸해진 상대',
		'discreet', '메일에 담지 않는 알림: tracktwo today로 볼 수 있습니다')
	ELSE jsonb_build_object('subject', 'Your day', 'none', 'nothing', 'more', 'and %s more',
		'overdue', 'Overdue reminders', 'today', 'Reminders for today', 'we_owe', 'Promises of ours past their day',
		'they_owe', 'Promises to us past their day', 'readout', 'Past events without a readout',
		'week', 'The next seven days', 'neglected', 'Not in touch for too long',
		'discreet', 'a reminder that mail does not carry: see tracktwo today') END;
END $$;

-- A heading and its lines, at most twenty of them.
CREATE FUNCTION digest_section(p_words jsonb, p_name text, p_lines text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN format(E'%s (%s)\n%s\n', p_words->>p_name, coalesce(cardinality(p_lines), 0), CASE
		WHEN coalesce(cardinality(p_lines), 0) = 0 THEN '  ' || (p_words->>'none') || E'\n'
		ELSE (SELECT string_agg('  ' || left(regexp_replace(line, '\s+', ' ', 'g'), 160) || E'\n', '' ORDER BY place)
				FROM unnest(p_lines[1:20]) WITH ORDINALITY AS l(line, place))
			|| CASE WHEN cardinality(p_lines) > 20
				THEN '  ' || format(p_words->>'more', cardinality(p_lines) - 20) || E'\n' ELSE '' END END);
END $$;

-- What mail may carry: nothing above `internal`. The lines are of the rows of today.sql.
CREATE FUNCTION digest_reminders(p_person store.principal, p_words jsonb, p_from timestamptz, p_until timestamptz)
RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN ARRAY(SELECT to_char(r.due_at AT TIME ZONE p_person.timezone, 'YYYY-MM-DD HH24:MI  ')
			|| CASE WHEN (reminder_about(r)).level > 1 THEN p_words->>'discreet' ELSE r.note END
		FROM today_reminders(p_person, p_from, p_until, 3) AS r ORDER BY r.due_at, r.id);
END $$;

CREATE FUNCTION digest_commitments(p_person store.principal, p_today date, p_ours boolean) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN ARRAY(SELECT to_char(m.due_on, 'YYYY-MM-DD  ') || coalesce(party_json(m.by_country, m.by_contact_id,
				m.by_principal_id)->>'name', m.by_country, '') || ': ' || m.body
		FROM today_commitments(p_person, p_today, p_ours, 1) AS m ORDER BY m.due_on, m.id);
END $$;

CREATE FUNCTION digest_events(p_person store.principal, p_from timestamptz, p_until timestamptz, p_past boolean)
RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN ARRAY(SELECT CASE WHEN e.starts_at IS NOT NULL THEN to_char(e.starts_at AT TIME ZONE p_person.timezone,
				'YYYY-MM-DD HH24:MI  ') ELSE to_char(e.starts_on, 'YYYY-MM-DD  ') END || array_to_string(e.countries, ' ') || '  '
				|| e.title || coalesce(', ' || e.location, '')
		FROM today_events(p_person, p_from, p_until, p_past, 1) AS e ORDER BY e.sort_at, e.id);
END $$;

CREATE FUNCTION digest_neglected(p_person store.principal, p_now timestamptz) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN ARRAY(SELECT n.name || coalesce(to_char(n.last_at, '  YYYY-MM-DD'), '')
		FROM today_neglected(p_person, p_now, 1) AS n ORDER BY n.due_at, n.name);
END $$;

-- {subject, text} for the day on which `p_due` falls where the person works.
CREATE FUNCTION digest(p_person store.principal, p_due timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_words jsonb := digest_words(p_person.language);
	v_today date := (p_due AT TIME ZONE p_person.timezone)::date;
	v_from timestamptz := store.local_instant(v_today, '00:00', p_person.timezone);
	v_until timestamptz := store.local_instant(v_today + 1, '00:00', p_person.timezone);
BEGIN
	RETURN jsonb_build_object('subject', format('%s %s', v_words->>'subject', v_today), 'text', concat_ws(E'\n',
		digest_section(v_words, 'overdue', digest_reminders(p_person, v_words, '-infinity', v_from)),
		digest_section(v_words, 'today', digest_reminders(p_person, v_words, v_from, v_until)),
		digest_section(v_words, 'we_owe', digest_commitments(p_person, v_today, true)),
		digest_section(v_words, 'they_owe', digest_commitments(p_person, v_today, false)),
		digest_section(v_words, 'readout', digest_events(p_person, '-infinity', p_due - interval '24 hours', true)),
		digest_section(v_words, 'week', digest_events(p_person, v_from, v_from + interval '7 days', false)),
		digest_section(v_words, 'neglected', digest_neglected(p_person, p_due))));
END $$;
