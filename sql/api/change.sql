-- Changes undone by other changes.
--
-- A change is known by the request_id under which it was written. It has two images: `before`, kept when the record was
-- locked, and `after`, its answer. Undoing puts back what differs between the two, through the function that changes the
-- record anyway, so that no rule is passed by; and only where the record still is what the change made of it. An undo is a
-- change as any other, with both images, so it can be undone as well.

CREATE FUNCTION undoable_nouns() RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN '{engagement,contact,organization,dialogue,commitment,reminder}';
END $$;

-- A record without what changes by itself, or follows from others: what two images are compared by.
CREATE FUNCTION change_view(p_noun text, p_record jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_view jsonb := p_record - ARRAY['id', 'version', 'created_by', 'created_at', 'logged_by', 'logged_at', 'updated_at',
		'created', 'warnings', 'cancelled_reminders', 'deliveries', 'late', 'overdue', 'side', 'commitment', 'occurrence_at'];
	v_list text;
BEGIN
	IF p_noun = 'reminder' THEN
		RETURN v_view || jsonb_build_object('status',
			CASE WHEN v_view->>'status' IN ('done', 'cancelled') THEN v_view->>'status' ELSE 'open' END);
	ELSIF v_view ? 'names' THEN
		v_view := v_view - 'name';
	END IF;
	FOREACH v_list IN ARRAY ARRAY['participants', 'affiliations', 'members'] LOOP
		CONTINUE WHEN NOT v_view ? v_list;
		v_view := v_view || jsonb_build_object(v_list, (SELECT coalesce(jsonb_agg(e - ARRAY['name', 'country', 'organization']
			ORDER BY e->>'id'), '[]') FROM jsonb_array_elements(v_view->v_list) AS e));
	END LOOP;
	IF v_view ? 'commitments' THEN
		v_view := v_view || jsonb_build_object('commitments', (SELECT coalesce(jsonb_agg(
			jsonb_build_object('id', c->'id', 'text', c->'text', 'due_on', c->'due_on', 'status', c->'status')
			ORDER BY c->>'id'), '[]') FROM jsonb_array_elements(v_view->'commitments') AS c));
	END IF;
	RETURN v_view;
END $$;

-- The members in which two views differ, in order.
CREATE FUNCTION change_fields(p_one jsonb, p_other jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN ARRAY(SELECT k FROM (SELECT jsonb_object_keys(p_one || p_other) AS k) AS keys
		WHERE p_one->k IS DISTINCT FROM p_other->k ORDER BY k);
END $$;

CREATE FUNCTION list_entry(p_list jsonb, p_id text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT e FROM jsonb_array_elements(p_list) AS e WHERE e->>'id' = p_id);
END $$;

-- The changes of a list by which its entries are again what they were; NULL when somebody has changed one of them since.
CREATE FUNCTION entries_undo(p_list text, p_before jsonb, p_after jsonb, p_now jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_id text; v_before jsonb; v_after jsonb; v_now jsonb;
	v_add jsonb := '[]'; v_change jsonb := '[]'; v_remove jsonb := '[]';
BEGIN
	FOR v_id IN SELECT DISTINCT e->>'id' FROM jsonb_array_elements(p_before || p_after) AS e ORDER BY 1 LOOP
		v_before := list_entry(p_before, v_id);
		v_after := list_entry(p_after, v_id);
		v_now := list_entry(p_now, v_id);
		CONTINUE WHEN v_before IS NOT DISTINCT FROM v_after;
		IF v_now IS DISTINCT FROM v_after OR v_after IS NULL AND p_list <> 'affiliations' AND jsonb_path_exists(p_now,
			'$[*] ? (@.contact_id == $c && @.principal_id == $p)',
			jsonb_build_object('c', v_before->'contact_id', 'p', v_before->'principal_id')) THEN
			RETURN NULL;
		ELSIF v_after IS NULL THEN
			v_add := v_add || jsonb_strip_nulls(v_before - 'id');
		ELSIF v_before IS NULL THEN
			v_remove := v_remove || to_jsonb(v_id);
		ELSE
			v_change := v_change || (v_before - ARRAY['contact_id', 'principal_id', 'organization_id']);
		END IF;
	END LOOP;
	RETURN (SELECT coalesce(jsonb_object_agg(p_list || verb, list), '{}') FROM (VALUES ('_add', v_add), ('_change', v_change),
		('_remove', v_remove)) AS verbs(verb, list) WHERE list <> '[]');
END $$;

-- One change with its images: {id, method, noun, record_id, before, after, along}. `along` is all that the write answered.
CREATE FUNCTION change_images(p_change store.change) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_answer store.answer;
	v_noun text;
BEGIN
	SELECT * INTO v_answer FROM store.answer WHERE change_id = p_change.id;
	v_noun := coalesce(v_answer.noun, split_part(p_change.method, '.', 1));
	RETURN jsonb_build_object('method', p_change.method, 'noun', v_noun, 'before', v_answer.before, 'along', v_answer.body,
		'after', CASE WHEN p_change.method = 'change.undo' THEN v_answer.body->'record' ELSE v_answer.body END);
END $$;

-- How a change is undone: 'patch' back, 'void' or 'unvoid' it, 'withdraw', 'cancel', 'end' or 'reopen' it; NULL when it is not.
CREATE FUNCTION change_way(p_images jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_before jsonb := p_images->'before';
	v_after jsonb := p_images->'after';
BEGIN
	RETURN CASE
		WHEN p_images->>'after' IS NULL OR p_images->>'method' IN ('reminder.acknowledge', 'reminder.redeliver') THEN NULL
		WHEN p_images->>'before' IS NULL THEN CASE p_images->>'method' WHEN 'engagement.log' THEN 'void'
			WHEN 'commitment.create' THEN 'withdraw' WHEN 'reminder.create' THEN 'cancel' END
		WHEN v_before->>'voided_at' IS NULL AND v_after->>'voided_at' IS NOT NULL THEN 'unvoid'
		WHEN v_before->>'voided_at' IS NOT NULL AND v_after->>'voided_at' IS NULL THEN 'void'
		WHEN p_images->>'noun' <> 'reminder' THEN 'patch'
		WHEN v_before->>'status' IN ('done', 'cancelled') AND v_after->>'status' NOT IN ('done', 'cancelled') THEN 'end'
		WHEN v_before->>'status' NOT IN ('done', 'cancelled') AND v_after->>'status' IN ('done', 'cancelled') THEN 'reopen'
		ELSE 'patch'
	END;
END $$;

-- What stands in the way: the members that are no longer what the change made of them, and who changed the record since.
CREATE FUNCTION changed_since(p_change store.change, p_fields text[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN refused(409, 'changed_since', format('what this wrote has been changed since (%s); change it by hand, or undo the '
		'later changes first', array_to_string(p_fields, ', ')), jsonb_build_object('fields', to_jsonb(p_fields), 'changes',
		(SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.request_id, 'at', instant(c.at), 'by', c.principal_id,
				'name', p.name, 'method', c.method) ORDER BY c.id), '[]')
			FROM store.change c JOIN store.principal p ON p.id = c.principal_id
			WHERE c.record_id = p_change.record_id AND c.id > p_change.id)));
END $$;

-- The patch that puts back what a change replaced: {patch}, or {conflicts: the members that have been changed since}.
CREATE FUNCTION change_inverse(p_noun text, p_before jsonb, p_after jsonb, p_now jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_before jsonb := change_view(p_noun, p_before);
	v_after jsonb := change_view(p_noun, p_after);
	v_now jsonb := change_view(p_noun, p_now);
	v_field text; v_entries jsonb;
	v_patch jsonb := '{}'; v_conflicts text[] := '{}';
BEGIN
	FOREACH v_field IN ARRAY change_fields(v_before, v_after) LOOP
		IF v_field IN ('participants', 'affiliations', 'members') THEN
			v_entries := entries_undo(v_field, v_before->v_field, v_after->v_field, v_now->v_field);
			v_patch := v_patch || coalesce(v_entries, '{}');
		ELSE
			v_entries := CASE WHEN v_now->v_field = v_after->v_field THEN jsonb_build_object(v_field, v_before->v_field) END;
			v_patch := v_patch || CASE WHEN v_field = 'commitments' THEN '{}' ELSE coalesce(v_entries, '{}') END;
		END IF;
		IF v_entries IS NULL THEN
			v_conflicts := v_conflicts || v_field;
		END IF;
	END LOOP;
	IF v_now->>'voided_at' IS NOT NULL OR p_noun = 'reminder' AND v_now->'status' <> v_after->'status' THEN
		v_conflicts := v_conflicts || CASE WHEN p_noun = 'reminder' THEN 'status' ELSE 'voided_at' END;
	END IF;
	RETURN jsonb_build_object('patch', v_patch, 'conflicts', to_jsonb(v_conflicts));
END $$;

-- What a change of an engagement did to promises and reminders along with it is taken back: those that it made are withdrawn
-- and cancelled, those that it ended stand again. {cancelled, restored}: which reminders.
CREATE FUNCTION change_undo_along(p_images jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_made jsonb := coalesce(p_images #> '{along,restored_reminders}', '[]') || coalesce(p_images #> '{along,created,reminder_id}', '[]');
	v_promise jsonb; v_was text; v_cancelled uuid[]; v_restored uuid[];
BEGIN
	FOR v_promise IN SELECT * FROM jsonb_array_elements(p_images #> '{after,commitments}') LOOP
		v_was := coalesce(list_entry(p_images #> '{before,commitments}', v_promise->>'id')->>'status', 'withdrawn');
		UPDATE store.commitment SET status = v_was, version = version + 1, updated_at = clock_timestamp()
			WHERE id = (v_promise->>'id')::uuid AND status = v_promise->>'status' AND status <> v_was;
	END LOOP;
	v_cancelled := ARRAY(SELECT r.id FROM store.reminder r WHERE r.status NOT IN ('done', 'cancelled')
		AND r.id::text IN (SELECT jsonb_array_elements_text(v_made)) ORDER BY r.id FOR UPDATE);
	v_restored := ARRAY(SELECT r.id FROM store.reminder r WHERE r.status = 'cancelled'
		AND r.id::text IN (SELECT jsonb_array_elements_text(p_images #> '{along,cancelled_reminders}')) ORDER BY r.id FOR UPDATE);
	PERFORM reminder_end(id, 'cancelled', NULL) FROM unnest(v_cancelled) AS id;
	PERFORM reminder_arm(r.id, r.due_at) FROM store.reminder r WHERE r.id = ANY (v_restored);
	UPDATE store.reminder SET version = version + 1, updated_at = clock_timestamp() WHERE id = ANY (v_cancelled || v_restored);
	PERFORM pg_notify('tracktwo', 'reminder') WHERE v_restored <> '{}';
	RETURN jsonb_build_object('cancelled', v_cancelled, 'restored', v_restored);
END $$;

CREATE FUNCTION engagement_unvoid(p_caller uuid, p_request jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_version int;
BEGIN
	PERFORM before_keep('engagement', p_id);
	UPDATE store.engagement SET voided_at = NULL, voided_by = NULL, void_reason = NULL, version = version + 1,
		updated_at = clock_timestamp() WHERE id = p_id RETURNING version INTO v_version;
	RETURN write_end(p_caller, p_request, p_id, v_version, engagement_json(p_id));
END $$;

-- The commitment that a change fulfilled along with a reminder; NULL for none.
CREATE FUNCTION change_fulfilled(p_images jsonb) RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN coalesce(p_images #>> '{along,fulfilled}', CASE WHEN p_images #>> '{along,commitment,status}' = 'fulfilled'
		THEN p_images #>> '{along,commitment,id}' END);
END $$;

-- A reminder that has ended is open again, and comes when it would have come; the promise that was fulfilled along with it
-- is open again, too.
CREATE FUNCTION reminder_reopen(p_caller uuid, p_request jsonb, p_id uuid, p_images jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM before_keep('reminder', p_id);
	UPDATE store.commitment SET status = 'open', version = version + 1, updated_at = clock_timestamp()
		WHERE id = change_fulfilled(p_images) AND status = 'fulfilled';
	PERFORM reminder_arm(p_id, (p_images #>> '{before,due_at}')::timestamptz);
	UPDATE store.reminder SET completion_note = p_images #>> '{before,completion_note}' WHERE id = p_id;
	IF p_images #>> '{before,status}' = 'acknowledged' THEN
		UPDATE store.reminder SET status = 'acknowledged', fire_at = NULL WHERE id = p_id;
	END IF;
	RETURN reminder_written(p_caller, p_request, p_id);
END $$;

CREATE FUNCTION reminder_end_again(p_caller uuid, p_request jsonb, p_id uuid, p_images jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM before_keep('reminder', p_id);
	PERFORM reminder_end(p_id, p_images #>> '{before,status}', p_images #>> '{before,completion_note}');
	UPDATE store.commitment SET status = 'fulfilled', version = version + 1, updated_at = clock_timestamp()
		WHERE id = (p_images #>> '{along,reopened}')::uuid AND status = 'open';
	RETURN reminder_written(p_caller, p_request, p_id);
END $$;

-- Snoozing moves a reminder and not what its rule says; another time, or rule, is another matter.
CREATE FUNCTION reminder_unpatch(p_caller uuid, p_request jsonb, p_id uuid, p_images jsonb, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_reminder store.reminder;
BEGIN
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id;
	IF p_patch - 'due_at' = '{}' AND p_patch ? 'due_at'
		AND v_reminder.occurrence_at = (p_images #>> '{before,occurrence_at}')::timestamptz THEN
		PERFORM before_keep('reminder', p_id);
		PERFORM reminder_arm(p_id, (p_patch->>'due_at')::timestamptz);
		RETURN reminder_written(p_caller, p_request, p_id);
	ELSIF p_patch ? 'due_at' AND v_reminder.rrule IS NOT NULL THEN
		RETURN rule('rule_went_on', 'its rule has gone on to another occurrence; say by reminder.update when it comes', 'id');
	END IF;
	-- Without an interval nobody is told, and naming who is refused.
	RETURN reminder_update(p_caller, p_request, p_id, v_reminder.version, p_patch - 'completion_note'
		- CASE WHEN p_patch->>'escalate_after' IS NULL THEN 'escalate_to' ELSE '' END);
END $$;

-- Carries out one way of undoing, on the record as it stands, which is locked.
CREATE FUNCTION change_carry_out(p_caller uuid, p_request jsonb, p_way text, p_id uuid, p_now jsonb, p_images jsonb,
	p_patch jsonb, p_reason text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_version int := (p_now->>'version')::int;
	v_answer jsonb;
BEGIN
	CASE p_way
		WHEN 'void' THEN RETURN engagement_void(p_caller, p_request, p_id, v_version, p_reason);
		WHEN 'unvoid' THEN RETURN engagement_unvoid(p_caller, p_request, p_id);
		WHEN 'withdraw' THEN RETURN commitment_update(p_caller, p_request, p_id, v_version, '{"status": "withdrawn"}');
		WHEN 'cancel' THEN RETURN reminder_cancel(p_caller, p_request, p_id);
		WHEN 'reopen' THEN RETURN reminder_reopen(p_caller, p_request, p_id, p_images);
		WHEN 'end' THEN RETURN reminder_end_again(p_caller, p_request, p_id, p_images);
		ELSE NULL;
	END CASE;
	CASE p_images->>'noun'
		WHEN 'engagement' THEN RETURN engagement_update(p_caller, p_request, p_id, v_version, p_patch);
		WHEN 'contact' THEN RETURN contact_update(p_caller, p_request, p_id, v_version, p_patch);
		WHEN 'organization' THEN RETURN organization_update(p_caller, p_request, p_id, v_version, p_patch);
		WHEN 'dialogue' THEN RETURN dialogue_update(p_caller, p_request, p_id, v_version, p_patch);
		WHEN 'commitment' THEN RETURN commitment_update(p_caller, p_request, p_id, v_version, p_patch);
		WHEN 'reminder' THEN RETURN reminder_unpatch(p_caller, p_request, p_id, p_images, p_patch);
	END CASE;
END $$;

-- The members of a record that stand in the way of undoing a change of it in that way.
CREATE FUNCTION change_conflicts(p_way text, p_images jsonb, p_now jsonb, p_inverse jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_noun text := p_images->>'noun';
	-- A contact may have made it more sensitive since; nothing else that is not part of the change is looked at.
	v_after jsonb := change_view(v_noun, p_images->'after') - 'sensitivity';
	v_now jsonb := change_view(v_noun, p_now) - 'sensitivity';
BEGIN
	RETURN CASE p_way WHEN 'patch' THEN ARRAY(SELECT jsonb_array_elements_text(p_inverse->'conflicts'))
		ELSE change_fields(v_after, v_now) END
		|| CASE WHEN p_way = 'reopen' AND EXISTS (SELECT FROM store.commitment m
			WHERE m.id = change_fulfilled(p_images) AND m.status <> 'fulfilled') THEN '{commitment}'::text[] ELSE '{}' END;
END $$;

-- The answer holds the record as it is now; what it was along with it, for undoing the undo, stands beside it.
CREATE FUNCTION change_undo(p_caller uuid, p_request jsonb, p_id uuid, p_reason text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_change store.change; v_images jsonb; v_now jsonb; v_inverse jsonb; v_way text; v_conflicts text[]; v_along jsonb;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_change FROM store.change WHERE principal_id = p_caller AND request_id = p_id;
	IF NOT FOUND THEN
		RETURN not_found('change of yours', 'id');
	END IF;
	v_images := change_images(v_change);
	v_way := change_way(v_images);
	IF v_way IS NULL THEN
		RETURN rule('not_undoable', format('what %s does cannot be undone, or what was there before is not on record; change the '
			'record instead', v_change.method), 'id');
	ELSIF v_images->>'noun' <> 'reminder' AND is_viewer(p_caller) THEN
		RETURN refused(403, 'forbidden', 'a viewer changes reminders only');
	END IF;
	EXECUTE format('SELECT 1 FROM store.%I WHERE id = $1 FOR UPDATE', v_images->>'noun') USING v_change.record_id;
	v_now := record_image(v_images->>'noun', v_change.record_id);
	v_inverse := CASE WHEN v_way = 'patch'
		THEN change_inverse(v_images->>'noun', v_images->'before', v_images->'after', v_now) END;
	v_conflicts := change_conflicts(v_way, v_images, v_now, v_inverse);
	IF v_conflicts <> '{}' THEN
		RETURN changed_since(v_change, v_conflicts);
	ELSIF v_inverse->'patch' = '{}'
		AND v_images #> '{before,commitments}' IS NOT DISTINCT FROM v_images #> '{after,commitments}' THEN
		RETURN rule('nothing_to_undo', 'this changed nothing that could be put back', 'id');
	END IF;
	v_answer := change_carry_out(p_caller, p_request || jsonb_build_object('undoes', v_change.id), v_way, v_change.record_id,
		v_now, v_images, v_inverse->'patch', coalesce(p_reason, v_images #>> '{before,void_reason}', 'undone'));
	IF v_answer ? 'refused' THEN
		RETURN v_answer;
	END IF;
	v_along := CASE WHEN v_images->>'noun' = 'engagement' AND v_way <> 'void' THEN change_undo_along(v_images)
		ELSE jsonb_build_object('cancelled', coalesce(v_answer->'cancelled_reminders', '[]'), 'restored', '[]'::jsonb) END;
	v_answer := jsonb_build_object('id', p_request->>'request_id', 'undid', p_id, 'method', v_change.method,
		'noun', v_images->>'noun', 'record_id', v_change.record_id,
		'record', record_image(v_images->>'noun', v_change.record_id), 'cancelled_reminders', v_along->'cancelled', 'restored_reminders', v_along->'restored',
		'reopened', CASE WHEN v_way = 'reopen' THEN change_fulfilled(v_images) END,
		'fulfilled', CASE WHEN v_way = 'end' THEN v_images #> '{along,reopened}' END,
		'warnings', coalesce(v_answer->'warnings', '[]'));
	UPDATE store.answer a SET body = v_answer FROM store.change c WHERE c.principal_id = p_caller
		AND c.request_id = (p_request->>'request_id')::uuid AND a.change_id = c.id;
	RETURN v_answer;
END $$;
