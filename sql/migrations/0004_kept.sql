-- What the first tables left open: emptying a table passes by triggers on its rows, and an end may not be infinite.

ALTER TABLE store.engagement ADD CHECK (isfinite(ends_at)), ADD CHECK (isfinite(ends_on));

DO $$
DECLARE v_table text;
BEGIN
	FOREACH v_table IN ARRAY ARRAY['dialogue_country', 'dialogue_workstream', 'engagement_country',
		'engagement_workstream', 'engagement_objective', 'engagement_topic', 'contact_key']
	LOOP
		EXECUTE format('CREATE TRIGGER direct_truncate BEFORE TRUNCATE ON store.%I
			FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_direct()', v_table);
	END LOOP;
	FOREACH v_table IN ARRAY ARRAY['engagement', 'change'] LOOP
		EXECUTE format('CREATE TRIGGER kept_truncate BEFORE TRUNCATE ON store.%I
			FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change()', v_table);
	END LOOP;
END $$;
