drop table moderation_replies;
