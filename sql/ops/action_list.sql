create function op.action_list(
    me int, institution text, plan int, unit text, state mejora.state, mine boolean,
    out actions op.action[],
    out outcome mejora.outcome, out error text, out error_args text[]) stable language plpgsql as $$
#variable_conflict use_variable
declare
    today date := lib.today(institution);
    code text := case when unit <> '' then lib.unit_find(institution, unit) end;
begin
    select * into outcome, error, error_args from lib.missing(institution, plan, null);
    if outcome is not null then
        return;
    elsif unit <> '' and code is null then
        select 'not_found', 'no_such_unit', array[unit] into outcome, error, error_args;
        return;
    end if;
    select array_agg(a order by a.item_no), 'ok' into actions, outcome
      from lib.actions(institution, plan, null, today) a
     where (state is null or a.state = state)
       and (code is null or exists (select from unnest(a.owners) o where o.code = code))
       and (mine is not true or exists (select from unnest(a.owners) o join mejora.member m on m.unit = o.code
                                         where m.institution = institution and m.person = me));
end $$;
