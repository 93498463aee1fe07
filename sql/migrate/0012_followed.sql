-- What people decide about posts, absences, deadlines and reminders changes too, and is asked for as of a past day.
select history.track(t)
  from unnest(array['post', 'absence', 'deadline', 'reminder_answer', 'address_fault']) t;
