-- Our own people.

CREATE FUNCTION principal_json(p store.principal) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('id', p.id, 'version', p.version, 'name', p.name, 'role', p.role, 'desks', to_jsonb(p.desks),
		'clearance', level_name(p.clearance), 'contact_id', p.contact_id, 'language', p.language, 'timezone', p.timezone,
		'email', p.email, 'channels', to_jsonb(p.channels), 'digest_at', to_char(p.digest_at, 'HH24:MI'), 'unix_user', p.unix_user,
		'status', p.status, 'created_at', instant(p.created_at),
		'updated_at', instant(p.updated_at));
END $$;

CREATE FUNCTION principal_create(p_caller uuid, p_request jsonb, p_id uuid, p_name text, p_role text, p_desks text[],
	p_clearance text, p_contact_id uuid, p_language text, p_timezone text, p_email text, p_channels text[], p_digest_at time,
	p_unix_user text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_principal store.principal;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF EXISTS (SELECT FROM store.principal WHERE id = p_id) THEN
		RETURN id_reused('id');
	ELSIF p_contact_id IS NOT NULL AND NOT EXISTS (SELECT FROM store.contact WHERE id = p_contact_id) THEN
		RETURN not_found('contact', 'contact_id');
	ELSIF 'email' = ANY (p_channels) AND p_email IS NULL THEN
		RETURN rule('no_address', 'mail needs an address: give email, too', 'channels');
	END IF;
	-- One name, one row, whoever asks at the same time.
	PERFORM pg_advisory_xact_lock(hashtextextended('principal/' || p_unix_user, 0)) WHERE p_unix_user IS NOT NULL;
	IF EXISTS (SELECT FROM store.principal WHERE unix_user = p_unix_user) THEN
		RETURN rule('unix_user_taken', 'another principal bears this Unix user; name another one, or none', 'unix_user');
	END IF;
	INSERT INTO store.principal (id, name, role, desks, clearance, contact_id, language, timezone, email, channels,
			digest_at, unix_user)
		VALUES (coalesce(p_id, store.uuid7()), p_name, p_role, coalesce(p_desks, '{}'),
			coalesce(level_number(p_clearance), 1::smallint), p_contact_id, p_language, coalesce(p_timezone, 'Asia/Seoul'),
			p_email, coalesce(p_channels, '{push}'), coalesce(p_digest_at, '07:30'), p_unix_user)
		RETURNING * INTO v_principal;
	RETURN write_end(p_caller, p_request, v_principal.id, v_principal.version, principal_json(v_principal));
END $$;

CREATE FUNCTION principal_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_principal store.principal;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_principal FROM store.principal WHERE id = coalesce(p_id, p_caller);
	IF NOT FOUND THEN
		RETURN not_found('principal', 'id');
	END IF;
	RETURN principal_json(v_principal);
END $$;

CREATE FUNCTION principal_list(p_caller uuid, p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after IS NULL THEN
		RETURN cursor_refused();
	END IF;
	SELECT array_agg(item), array_agg(name), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT principal_json(p) AS item, p.name, p.id FROM store.principal p
			WHERE v_after IS NULL OR (p.name, p.id) > (v_after->>0, (v_after->>1)::uuid)
			ORDER BY p.name, p.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;

-- The last administrator stays one: NULL, or the refusal.
CREATE FUNCTION last_administrator(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN (SELECT array_agg(id) FROM store.principal WHERE role = 'administrator' AND status = 'active') = ARRAY[p_id]
		THEN rule('last_administrator', 'this is the last administrator; make another one first', 'id') END;
END $$;

CREATE FUNCTION principal_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_principal store.principal;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	-- One at a time, lest the last two administrators end each other; and one name, one row.
	PERFORM pg_advisory_xact_lock(hashtextextended('administrators', 0)) WHERE p_patch ?| ARRAY['role', 'status'];
	PERFORM pg_advisory_xact_lock(hashtextextended('principal/' || (p_patch->>'unix_user'), 0))
		WHERE p_patch->>'unix_user' IS NOT NULL;
	v_answer := record_lock('principal', p_id, p_version);
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF p_patch->>'contact_id' IS NOT NULL
		AND NOT EXISTS (SELECT FROM store.contact WHERE id = (p_patch->>'contact_id')::uuid) THEN
		RETURN not_found('contact', 'contact_id');
	ELSIF EXISTS (SELECT FROM store.principal WHERE unix_user = p_patch->>'unix_user' AND id <> p_id) THEN
		RETURN rule('unix_user_taken', 'another principal bears this Unix user; name another one, or none', 'unix_user');
	ELSIF p_patch ?| ARRAY['email', 'channels'] AND EXISTS (SELECT FROM store.principal p WHERE p.id = p_id
		AND CASE WHEN p_patch ? 'channels' THEN p_patch->'channels' ELSE to_jsonb(p.channels) END ? 'email'
		AND CASE WHEN p_patch ? 'email' THEN p_patch->>'email' ELSE p.email END IS NULL) THEN
		RETURN rule('no_address', 'mail is one of this person''s channels; change channels, or give an address', 'channels');
	ELSIF p_patch->>'status' = 'retired' AND EXISTS (SELECT FROM store.reminder
		WHERE p_id IN (assignee_id, escalate_to) AND status NOT IN ('done', 'cancelled')) THEN
		RETURN rule('hand_over', 'reminders wait for this person; principal.retire hands them over', 'status');
	ELSIF p_patch->>'role' <> 'administrator' OR p_patch->>'status' = 'retired' THEN
		v_answer := last_administrator(p_id);
		IF v_answer IS NOT NULL THEN
			RETURN v_answer;
		END IF;
	END IF;
	SELECT * INTO v_principal FROM store.principal WHERE id = p_id;
	v_principal := jsonb_populate_record(v_principal, p_patch - 'clearance' || CASE WHEN p_patch ? 'clearance'
		THEN jsonb_build_object('clearance', level_number(p_patch->>'clearance')) ELSE '{}' END);
	UPDATE store.principal SET (name, role, desks, clearance, contact_id, language, timezone, email, channels, digest_at,
			unix_user, status, version, updated_at) =
		(v_principal.name, v_principal.role, v_principal.desks, v_principal.clearance, v_principal.contact_id,
			v_principal.language, v_principal.timezone, v_principal.email, v_principal.channels, v_principal.digest_at,
			v_principal.unix_user, v_principal.status,
			version + 1, clock_timestamp())
		WHERE id = p_id RETURNING * INTO v_principal;
	PERFORM pg_notify('tracktwo', 'principal');
	RETURN write_end(p_caller, p_request, p_id, v_principal.version, principal_json(v_principal));
END $$;

-- Planned engagements wait for their owner, or, without one, for whoever logged them; seats in them wait for the person.
-- What was held keeps who was there. Returns how many engagements have changed hands.
CREATE FUNCTION engagements_hand_over(p_from uuid, p_to uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_planned uuid[] := ARRAY(SELECT e.id FROM store.engagement e
		WHERE e.status IN ('tentative', 'planned', 'postponed') AND e.voided_at IS NULL AND (
			e.owner_id IS NULL AND e.logged_by = p_from OR EXISTS (SELECT FROM store.engagement_participant p
				WHERE p.engagement_id = e.id AND p.principal_id = p_from)));
	v_moved bigint;
BEGIN
	UPDATE store.engagement SET owner_id = CASE WHEN owner_id = p_from OR owner_id IS NULL AND logged_by = p_from THEN p_to
			ELSE owner_id END, version = version + 1, updated_at = clock_timestamp()
		WHERE voided_at IS NULL AND (owner_id = p_from OR id = ANY (v_planned));
	GET DIAGNOSTICS v_moved = ROW_COUNT;
	UPDATE store.engagement_participant p SET principal_id = p_to,
			attendance = CASE attendance WHEN 'accepted' THEN 'invited' ELSE attendance END
		WHERE p.engagement_id = ANY (v_planned) AND p.principal_id = p_from AND NOT EXISTS (
			SELECT FROM store.engagement_participant o WHERE o.engagement_id = p.engagement_id AND o.principal_id = p_to);
	UPDATE store.engagement_participant SET attendance = 'declined'
		WHERE engagement_id = ANY (v_planned) AND principal_id = p_from;
	RETURN v_moved;
END $$;

-- Reminders that wait for somebody wait for somebody else, escalations too. What is out by push goes to the new one at once,
-- under the same delivery_id; what was on its way to the old one's address, what they have had already, and what never
-- reached them, comes due anew, by such of its channels as the new one has.
CREATE FUNCTION reminders_hand_over(p_from uuid, p_to uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_usable text[] := ARRAY['push'] || ARRAY(SELECT 'email' FROM store.principal WHERE id = p_to AND email IS NOT NULL)
		|| ARRAY(SELECT 'webhook' WHERE EXISTS (SELECT FROM store.webhook WHERE principal_id = p_to AND status = 'active'));
	v_moved bigint;
BEGIN
	-- Reminders before deliveries, and in order, as everybody locks them.
	PERFORM FROM store.reminder WHERE id IN (SELECT id FROM store.reminder WHERE assignee_id = p_from
			AND status NOT IN ('done', 'cancelled') UNION SELECT reminder_id FROM store.delivery
			WHERE assignee_id = p_from AND ended_at IS NULL) ORDER BY id FOR UPDATE;
	UPDATE store.delivery d SET ended_at = v_now, outcome = 'withdrawn' WHERE d.assignee_id = p_from AND d.ended_at IS NULL
		AND (d.channel <> 'push' OR EXISTS (SELECT FROM store.delivery o WHERE o.assignee_id = p_to AND o.ended_at IS NULL
			AND o.reminder_id = d.reminder_id AND o.channel = 'push' AND o.due_at = d.due_at));
	UPDATE store.delivery SET assignee_id = p_to, lease_until = v_now WHERE assignee_id = p_from AND ended_at IS NULL;
	UPDATE store.reminder r SET assignee_id = p_to, version = r.version + 1, updated_at = v_now,
		channels = coalesce(nullif(ARRAY(SELECT c FROM unnest(r.channels) AS c WHERE c = ANY (v_usable)), '{}'), '{push}'),
		status = CASE WHEN out.there THEN r.status ELSE 'pending' END,
		fire_at = CASE WHEN out.there THEN r.fire_at ELSE r.due_at END
		FROM store.reminder x, LATERAL (SELECT EXISTS (SELECT FROM store.delivery d
			WHERE d.reminder_id = x.id AND d.ended_at IS NULL) AS there) AS out
		WHERE x.id = r.id AND r.assignee_id = p_from AND r.status NOT IN ('done', 'cancelled');
	GET DIAGNOSTICS v_moved = ROW_COUNT;
	UPDATE store.reminder SET escalate_to = p_to, version = version + 1, updated_at = v_now
		WHERE escalate_to = p_from AND status NOT IN ('done', 'cancelled');
	-- Nobody is told of what they have not answered themselves; but somebody is, in a day, of what reaches nobody.
	UPDATE store.reminder SET escalate_after = NULL, escalate_to = NULL,
			escalate_at = CASE WHEN escalate_at IS NOT NULL THEN v_now + interval '24 hours' END
		WHERE assignee_id = p_to AND escalate_to = p_to;
	UPDATE store.webhook SET status = 'disabled', disabled_because = 'its person has retired', version = version + 1,
		updated_at = v_now WHERE principal_id = p_from AND status = 'active';
	PERFORM pg_notify('tracktwo', 'reminder');
	RETURN v_moved;
END $$;

-- One who leaves can do nothing any more, and nothing waits for them: all that is open goes to another, in this one
-- transaction. What they did stays theirs.
CREATE FUNCTION principal_retire(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_hand_over_to uuid,
	p_desks text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_old store.principal; v_new store.principal;
	v_reminders bigint; v_commitments bigint; v_contacts bigint; v_tokens bigint; v_moved jsonb;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	-- One at a time, lest the last two administrators, or those who take over from each other, end each other.
	PERFORM pg_advisory_xact_lock(hashtextextended('administrators', 0));
	v_answer := record_lock('principal', p_id, p_version);
	SELECT * INTO v_old FROM store.principal WHERE id = p_id;
	SELECT * INTO v_new FROM store.principal WHERE id = p_hand_over_to;
	p_desks := coalesce(p_desks, v_old.desks);
	v_answer := coalesce(v_answer,
		CASE WHEN p_id = p_caller THEN rule('oneself', 'nobody retires themselves; another administrator does it', 'id') END,
		last_administrator(p_id),
		CASE WHEN v_new.id IS NULL THEN not_found('principal', 'hand_over_to')
			WHEN v_new.status <> 'active' THEN rule('retired', 'this person is retired too; hand over to one who is not',
				'hand_over_to')
			WHEN NOT p_desks <@ v_old.desks THEN rule('other_desk', 'only desks of the person who leaves are handed over',
				'desks') END);
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	UPDATE store.principal SET status = 'retired', successor_id = p_hand_over_to, version = version + 1, updated_at = clock_timestamp(),
		desks = ARRAY(SELECT desk FROM unnest(desks) AS desk WHERE desk <> ALL (p_desks))
		WHERE id = p_id RETURNING * INTO v_old;
	UPDATE store.principal SET desks = words_changed(desks, to_jsonb(p_desks), NULL), version = version + 1,
		updated_at = clock_timestamp() WHERE id = p_hand_over_to AND NOT p_desks <@ desks;
	UPDATE store.token SET revoked_at = clock_timestamp() WHERE principal_id = p_id AND revoked_at IS NULL;
	GET DIAGNOSTICS v_tokens = ROW_COUNT;
	v_reminders := reminders_hand_over(p_id, p_hand_over_to);
	-- What they promised, and what was promised to them.
	UPDATE store.commitment SET by_principal_id = CASE by_principal_id WHEN p_id THEN p_hand_over_to ELSE by_principal_id END,
			to_principal_id = CASE to_principal_id WHEN p_id THEN p_hand_over_to ELSE to_principal_id END,
			version = version + 1, updated_at = clock_timestamp()
		WHERE p_id IN (by_principal_id, to_principal_id) AND status = 'open';
	GET DIAGNOSTICS v_commitments = ROW_COUNT;
	UPDATE store.contact SET owner_id = p_hand_over_to, version = version + 1, updated_at = clock_timestamp()
		WHERE owner_id = p_id;
	GET DIAGNOSTICS v_contacts = ROW_COUNT;
	v_moved := jsonb_build_object('reminders', v_reminders, 'commitments', v_commitments,
		'contacts', v_contacts, 'engagements', engagements_hand_over(p_id, p_hand_over_to), 'desks', to_jsonb(p_desks),
		'tokens_revoked', v_tokens);
	RETURN write_end(p_caller, p_request, p_id, v_old.version, principal_json(v_old)
		|| jsonb_build_object('handed_over_to', p_hand_over_to, 'moved', v_moved));
END $$;
