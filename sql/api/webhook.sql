-- Webhooks: where a person's reminders are posted to, signed as the Standard Webhooks specification says. A secret is shown
-- once, and kept, because it signs.

CREATE FUNCTION webhook_json(p store.webhook) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('id', p.id, 'version', p.version, 'principal_id', p.principal_id, 'url', p.url,
		'status', p.status, 'disabled_because', p.disabled_because, 'previous_secret_until', instant(CASE
			WHEN p.secret_before_until > clock_timestamp() THEN p.secret_before_until END), 'created_by', p.created_by,
		'created_at', instant(p.created_at), 'updated_at', instant(p.updated_at), 'deliveries', (
			SELECT coalesce(jsonb_agg(delivery_json(d) ORDER BY d.due_at DESC, d.id DESC), '[]') FROM (
				SELECT * FROM store.delivery WHERE webhook_id = p.id ORDER BY id DESC LIMIT 10) AS d));
END $$;

CREATE FUNCTION webhook_secret_make() RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
END $$;

CREATE FUNCTION webhook_secret_text(p_secret bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN 'whsec_' || encode(p_secret, 'base64');
END $$;

-- The webhook, locked for a change that the caller may make; or the refusal. It is its person's and an administrator's.
CREATE FUNCTION webhook_lock(p_caller uuid, p_id uuid, p_version int DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_hook store.webhook;
BEGIN
	SELECT * INTO v_hook FROM store.webhook WHERE id = p_id FOR UPDATE;
	RETURN CASE
		WHEN NOT FOUND OR NOT token_keeper(p_caller, v_hook.principal_id) THEN not_found('webhook', 'id')
		WHEN v_hook.version <> p_version THEN stale(v_hook.version)
	END;
END $$;

CREATE FUNCTION webhook_create(p_caller uuid, p_request jsonb, p_id uuid, p_principal_id uuid, p_url text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_hook store.webhook;
	v_person uuid := coalesce(p_principal_id, p_caller);
BEGIN
	v_answer := coalesce(v_answer, CASE
		WHEN NOT token_keeper(p_caller, v_person) THEN refused(403, 'forbidden',
			'only an administrator makes webhooks for others; leave principal_id out', '{"field": "principal_id"}')
		WHEN EXISTS (SELECT FROM store.webhook WHERE id = p_id) THEN id_reused('id')
		WHEN NOT EXISTS (SELECT FROM store.principal WHERE id = v_person) THEN not_found('principal', 'principal_id')
		WHEN (SELECT count(*) FROM store.webhook WHERE principal_id = v_person AND status = 'active') >= 20
			THEN rule('too_many_webhooks', 'a person has 20 active webhooks at most; disable one by webhook.update',
				'principal_id') END);
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	INSERT INTO store.webhook (id, principal_id, url, secret, created_by)
		VALUES (coalesce(p_id, store.uuid7()), v_person, p_url, webhook_secret_make(), p_caller) RETURNING * INTO v_hook;
	-- What is kept for a repeat has no secret in it.
	RETURN write_end(p_caller, p_request, v_hook.id, 1, webhook_json(v_hook) || '{"secret": null}')
		|| jsonb_build_object('secret', webhook_secret_text(v_hook.secret));
END $$;

CREATE FUNCTION webhook_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), webhook_lock(p_caller, p_id, p_version));
	v_hook store.webhook;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	UPDATE store.webhook SET url = coalesce(p_patch->>'url', url), status = coalesce(p_patch->>'status', status),
		disabled_because = CASE coalesce(p_patch->>'status', status) WHEN 'disabled'
			THEN coalesce(disabled_because, 'switched off by hand') END,
		version = version + 1, updated_at = clock_timestamp() WHERE id = p_id RETURNING * INTO v_hook;
	RETURN write_end(p_caller, p_request, p_id, v_hook.version, webhook_json(v_hook));
END $$;

CREATE FUNCTION webhook_rotate(p_caller uuid, p_request jsonb, p_id uuid, p_keep interval) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), webhook_lock(p_caller, p_id), CASE
		WHEN p_keep > interval '30 days' THEN invalid('keep', 'must be at most P30D') END);
	v_hook store.webhook;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	UPDATE store.webhook SET secret_before = secret,
		secret_before_until = clock_timestamp() + coalesce(p_keep, interval '1 day'), secret = webhook_secret_make(),
		version = version + 1, updated_at = clock_timestamp() WHERE id = p_id RETURNING * INTO v_hook;
	RETURN write_end(p_caller, p_request, p_id, v_hook.version, webhook_json(v_hook) || '{"secret": null}')
		|| jsonb_build_object('secret', webhook_secret_text(v_hook.secret));
END $$;

-- A test goes out as any other delivery; webhook.list shows what came of it.
CREATE FUNCTION webhook_test(p_caller uuid, p_request jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), webhook_lock(p_caller, p_id));
	v_hook store.webhook;
	v_delivery uuid := store.uuid7();
BEGIN
	SELECT * INTO v_hook FROM store.webhook WHERE id = p_id;
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF v_hook.status <> 'active' THEN
		RETURN rule('webhook_disabled', 'this webhook is disabled; webhook.update with status active comes first', 'id');
	END IF;
	INSERT INTO store.delivery (id, assignee_id, channel, reason, webhook_id, due_at, late, lease_until)
		VALUES (v_delivery, v_hook.principal_id, 'webhook', 'test', p_id, clock_timestamp(), false, clock_timestamp());
	PERFORM pg_notify('tracktwo', 'reminder');
	RETURN write_end(p_caller, p_request, p_id, v_hook.version, jsonb_build_object('delivery_id', v_delivery));
END $$;

CREATE FUNCTION webhook_list(p_caller uuid, p_principal_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN page((SELECT jsonb_agg(webhook_json(w) ORDER BY w.id) FROM store.webhook w
		WHERE w.principal_id = coalesce(p_principal_id, p_caller) AND token_keeper(p_caller, w.principal_id)));
END $$;
