-- Countries.

CREATE FUNCTION country_list(p_caller uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN page((SELECT jsonb_agg(jsonb_build_object('code', c.code, 'standing', c.standing, 'names',
			jsonb_build_object('en', c.name_en, 'ko', c.name_ko, 'native', c.name_native))
			ORDER BY array_position(ARRAY['home', 'counterpart', 'other'], c.standing), c.code)
		FROM store.country c));
END $$;
