-- What the database knows of its own health and of what it is asked to deliver. Finding and cure are for people.

CREATE FUNCTION doctor_finding(p_check text, p_state text, p_finding text, p_cure text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN jsonb_build_object('check', p_check, 'state', p_state, 'finding', p_finding, 'cure', p_cure);
END $$;

CREATE FUNCTION doctor_locale() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_database pg_database;
	v_actual text;
BEGIN
	SELECT * INTO v_database FROM pg_database WHERE datname = current_database();
	v_actual := pg_database_collation_actual_version(v_database.oid);
	IF pg_encoding_to_char(v_database.encoding) <> 'UTF8' OR v_database.datctype IN ('C', 'POSIX') THEN
		RETURN doctor_finding('locale', 'bad', format('the encoding is %s and the locale %s, in which Korean cannot be searched',
			pg_encoding_to_char(v_database.encoding), v_database.datctype),
			'make a backup, and restore it into a database in UTF8 with the locale C.UTF-8');
	END IF;
	IF v_database.datcollversion IS DISTINCT FROM v_actual THEN
		RETURN doctor_finding('locale', 'warn', format('the order of texts has changed with the system, from version %s to %s',
			coalesce(v_database.datcollversion, '?'), coalesce(v_actual, '?')),
			'as the server''s administrator run REINDEX DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION');
	END IF;
	RETURN doctor_finding('locale', 'ok', format('the encoding is %s, and the locale %s',
		pg_encoding_to_char(v_database.encoding), v_database.datctype));
END $$;

-- A rule is carried out on the clock of its zone, which both the daemon and the server must know.
CREATE FUNCTION doctor_zones() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_unknown text;
BEGIN
	SELECT string_agg(DISTINCT used.zone, ', ' ORDER BY used.zone) INTO v_unknown
		FROM (SELECT timezone AS zone FROM store.principal UNION SELECT timezone FROM store.reminder
			UNION SELECT timezone FROM store.contact UNION SELECT timezone FROM store.engagement) AS used
		WHERE used.zone IS NOT NULL AND NOT EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = used.zone);
	IF v_unknown IS NOT NULL THEN
		RETURN doctor_finding('zones', 'bad', format('the database server does not know time zones that are in use: %s', v_unknown),
			'install the newest tzdata on the database server, and restart it');
	END IF;
	RETURN doctor_finding('zones', 'ok', 'the database server knows all time zones in use');
END $$;

-- Five minutes past its time something should have gone out, unless nobody listens: pushes wait for subscribers.
CREATE FUNCTION doctor_delivery() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_failed bigint := (SELECT count(*) FROM store.reminder WHERE status = 'failed');
	v_overdue bigint := (SELECT count(*) FROM store.reminder WHERE status = 'pending'
		AND due_at < clock_timestamp() - interval '5 minutes' AND channels && ARRAY['email', 'webhook']);
	v_pushes bigint := (SELECT count(*) FROM store.reminder WHERE status = 'pending'
		AND due_at < clock_timestamp() - interval '1 day' AND NOT channels && ARRAY['email', 'webhook']);
	v_disabled bigint := (SELECT count(*) FROM store.webhook WHERE status = 'disabled');
	v_findings jsonb := '[]';
BEGIN
	IF v_failed > 0 THEN
		v_findings := v_findings || doctor_finding('delivery', 'bad', format('%s reminders could not be delivered', v_failed),
			'see "tracktwo reminder list --status failed"; "tracktwo reminder redeliver" sends one once more');
	END IF;
	IF v_overdue > 0 THEN
		v_findings := v_findings || doctor_finding('delivery', 'bad',
			format('%s reminders are more than five minutes past their time, and no daemon has sent them', v_overdue),
			'see whether a daemon runs on this database, and its journal');
	END IF;
	IF v_pushes > 0 THEN
		v_findings := v_findings || doctor_finding('delivery', 'warn',
			format('%s reminders wait since more than a day for somebody who subscribes', v_pushes),
			'run "tracktwo reminder subscribe", or give these people another channel: "tracktwo principal update --channels push,email"');
	END IF;
	IF v_disabled > 0 THEN
		v_findings := v_findings || doctor_finding('delivery', 'warn', format('%s webhooks are disabled', v_disabled),
			'see "tracktwo webhook list"; "tracktwo webhook update --status active" enables one again');
	END IF;
	IF v_findings = '[]' THEN
		v_findings := v_findings || doctor_finding('delivery', 'ok', 'nothing has failed, and nothing is overdue');
	END IF;
	RETURN v_findings;
END $$;

CREATE FUNCTION doctor_people() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM store.principal WHERE role = 'administrator' AND status = 'active' AND NOT bootstrap) THEN
		RETURN doctor_finding('people', 'warn', 'nobody is an administrator but root and the daemon''s own user',
			'make one: "tracktwo principal create --name NAME --role administrator --unix-user USER"');
	END IF;
	RETURN doctor_finding('people', 'ok', 'there is an administrator');
END $$;

-- `mailed`: how many wait for mail, which only a daemon with a mail server sends.
CREATE FUNCTION system_doctor(p_caller uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN jsonb_build_object(
		'items', jsonb_build_array(doctor_locale(), doctor_zones()) || doctor_delivery() || doctor_people(),
		'next_cursor', NULL,
		'time', instant(clock_timestamp()), 'schema_version', schema_version(),
		'mailed', (SELECT count(*) FROM store.principal WHERE status = 'active' AND email IS NOT NULL));
END $$;
