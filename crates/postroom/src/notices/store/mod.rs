//! The SQL of notices: the notices themselves, the channels by which they reach people, what goes through a channel, and the
//! alarms for sources that fall silent.

mod alarms;
mod channels;
mod deliveries;
mod notices;

pub use alarms::{AlarmRow, alarms, clear_alarm, set_alarm};
pub use channels::{
    Channel, NewChannel, add_channel, answered, channel, channels, channels_due, channels_in_use,
    claim_channel, free_channel, pause_channel, remove_channel,
};
pub use deliveries::{
    Due, Fate, add_delivery, drop_unsent, postpone, sent_since, settle, take_due, told_channels,
};
pub use notices::{
    Ended, NewNotice, Notice, Open, Unseen, add, end, is_about_connection, newest, open, recent_troubles,
    see_all, unseen,
};
