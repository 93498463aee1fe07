-- Days on which nobody works. Those of the country follow from the year (lib.holidays); here is what an institution
-- adds.

create type mejora.holiday_kind as enum ('new_year', 'epiphany', 'altagracia', 'duarte', 'independence', 'good_friday',
                                         'labour_day', 'corpus_christi', 'restoration', 'mercedes', 'constitution',
                                         'christmas', 'own');
create table mejora.holiday (
    institution mejora.code not null references mejora.institution,
    date        date not null,
    name        text not null,
    primary key (institution, date)
);
alter table mejora.holiday enable row level security;
create policy own_institution on mejora.holiday using (institution = mejora.here() or mejora.sees_all());
grant delete on mejora.holiday to mejora_server;                  -- one that was added by mistake
