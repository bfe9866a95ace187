-- What moderators can choose to say, written beforehand by those who run the hub.
create table moderation_replies (
    reply_pk bigint generated always as identity (start with 25001) primary key,
    -- Where it is offered: for the public sentence of a decision, or as the answer to an appeal.
    used_for text not null check (used_for in ('decision', 'appeal')),
    title text not null check (char_length(title) between 1 and 80),
    body text not null check (char_length(body) between 1 and 500)
);
