-- Audit entries :begin to :end of :total of institution "bench", one every three seconds until now, as people write them: few people,
-- words, plans and actions are in most of them and most are in few. They are sealed in bulk, for it is not the log's hashes that are measured:
-- the leaves have the size that they have in life, and no hash. psql -1, so that the server never sees entries without leaves;
-- the checkpoint comes in another transaction, as it does.
select set_config('mejora.institution', '*', true) \g /dev/null
set local session_replication_role = replica;                     -- these people have no history
insert into mejora.person (institution, code, name, roles)
select 'bench', 'a' || n, (array['Ana', 'Luis', 'Marta', 'José', 'Rosa', 'Elsa', 'Iván', 'Nuria'])[1 + n % 8] || ' '
       || (array['Peña', 'Mota', 'Rosario', 'Díaz', 'Santana', 'Núñez', 'Vargas'])[1 + n % 7],
       case when n % 50 = 0 then '{planner}' else '{responsable}' end::mejora.role[]
  from generate_series(0, 511) n on conflict do nothing;
create temp table person as
select p.id, p.code, p.name, p.roles, substr(p.code, 2)::int as n from mejora.person p where p.code ~ '^a\d+$' and p.institution = 'bench';
create index on person (n);
create temp table word as
select row_number() over (order by md5(a || b || c)) - 1 as n, a || b || c as word
  from unnest('{a,acta,con,des,direc,eva,for,ges,infor,li,me,planifi,pre,pro,re,semi}'::text[]) a,
       unnest('{ca,ci,cita,dida,fica,jora,lua,ma,puesta,ra,sión,ta,tiona}'::text[]) b,
       unnest('{ción,da,das,dor,mente,mientos,nal,nario,ncia,r,s,""}'::text[]) c;
create index on word (n);
select setseed(0.5) \g /dev/null
create temp table phrase as                                       -- two of them make a text
select r.n, string_agg(w.word, ' ') as phrase
  from (select n, floor(2496 * random() ^ 4)::int as word from generate_series(0, 19999) n, generate_series(1, 1 + n % 4)) r
  join word w on w.n = r.word group by r.n;
create index on phrase (n);
analyze person, word, phrase;

select setseed(:begin::float / :total) \g /dev/null
create temp table one as
select n, floor(512 * random() ^ 3)::int as person, random() as kind, random() as result, floor(128 * random() ^ 2)::int as plan,
       1 + floor(448 * random() ^ 1.5)::int as item, floor(4 * random())::int as percent,
       floor(20000 * random())::int as said, floor(20000 * random())::int as also, floor(20000 * random())::int as new
  from generate_series(:begin::bigint, :end) n;
insert into road.audit (at, institution, plan, item_no, task_no, person, who, name, roles, unit, key, request, op, outcome, error, why,
                        before, after)
select now() - make_interval(secs => (:total - o.n) * 3), 'bench', 1970 + o.plan, o.item,
       case k.op when 'task_done' then 1 + o.item % 4 end,
       p.id, p.code, p.name, p.roles, 'u' || 1 + p.n % 64, 1 + p.n, gen_random_uuid(), k.op,
       case when o.result < 0.015 then 'denied' when o.result < 0.02 then 'conflict' else 'ok' end::mejora.outcome,
       case when o.result < 0.015 then 'not_your_action' when o.result < 0.02 then 'changed_meanwhile' end,
       case when o.n % 4 > 0 or k.op = 'action_edit' then said.phrase || ' ' || also.phrase
            || case when o.n % 10 = 0 then ' oficio DPD-' || o.n / 10 else '' end end,
       case when o.result >= 0.02 then jsonb_build_object('version', o.n % 9) || case k.op
            when 'progress_report' then jsonb_build_object('percent', o.percent * 25)
            when 'task_done' then '{"done": false}'
            when 'plan_approve' then '{"state": "draft"}'
            else case o.percent when 0 then jsonb_build_object('end_date', date '2026-01-01' + o.item)
                                else jsonb_build_object('objective', 'Mejorar la ' || also.phrase) end end end,
       case when o.result >= 0.02 then jsonb_build_object('version', o.n % 9 + 1) || case k.op
            when 'progress_report' then jsonb_build_object('percent', o.percent * 25 + 25)
            when 'task_done' then '{"done": true}'
            when 'plan_approve' then '{"state": "approved"}'
            else case o.percent when 0 then jsonb_build_object('end_date', date '2026-02-01' + o.item)
                                else jsonb_build_object('objective', 'Mejorar la ' || new.phrase) end end end
  from one o
  join person p on p.n = o.person join phrase said on said.n = o.said join phrase also on also.n = o.also join phrase new on new.n = o.new
 cross join lateral (select case when o.kind < 0.8 then 'progress_report' when o.kind < 0.92 then 'task_done'
                                 when o.kind < 0.9999 then 'action_edit' else 'plan_approve' end as op) k
 order by o.n;
insert into road.leaf (leaf, seq, about, nodes)
select s.done + row_number() over (order by a.seq) - 1, a.seq, a.institution, decode(repeat(md5(a.seq::text), 4), 'hex')
  from (select coalesce(max(l.leaf) + 1, 0) as done, coalesce(max(l.seq), 0) as seq from road.leaf l) s
  join road.audit a on a.seq > s.seq order by a.seq;
