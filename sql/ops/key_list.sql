create function op.key_list(
    me int, institution text, person text, out keys op.key[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
begin
    select * into outcome, error, error_args from lib.missing(institution, null, null);
    if outcome is not null then
        return;
    elsif person <> '' and not exists (select from mejora.person p where (p.institution, p.code) = (institution, person)) then
        select 'not_found', 'no_such_person', array[person] into outcome, error, error_args;
        return;
    end if;
    select array_agg(row(k.id, p.code, k.kind, k.label, k.created_at, k.expires_at, k.revoked_at, k.why)::op.key order by k.id), 'ok'
      into keys, outcome
      from mejora.person p join road.key k on k.person = p.id
     where p.institution = institution and (coalesce(person, '') = '' or p.code = person);
end $$;
