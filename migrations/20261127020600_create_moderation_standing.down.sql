drop view moderation_standing;
