//! An exhaustive model of one step: a worker that dies at any moment, requests that arrive late, replies that are lost, probes in
//! between. In every reachable state the effect was made at most once; and it can always still be made.

use jiff::{SignedDuration, Timestamp};
use ledger::StepState;
use ledger::state::{Event, Next, step};
use stateright::{Checker, Model, Property};

/// The quarantine, in ticks.
const Q: i64 = 3;
/// A request arrives at the other side within so many ticks, or never: lease, time-out and grace together are less than Q.
const FLIGHT: i64 = 2;
/// The model ends here.
const END: i64 = 12;
/// How often the worker may die.
const DEATHS: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Durable {
    Planned,
    Intent,
    InDoubt(i64),
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Worker {
    /// Nobody works on it.
    Away,
    /// Holds it and looks at what is durable.
    Looks,
    /// Has committed the intent itself and will send.
    WillSend,
    /// Has sent and waits for the reply.
    Waits,
    /// Will probe.
    WillProbe,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: i64,
    durable: Durable,
    worker: Worker,
    /// A request under way, and when it was sent.
    flying: Option<i64>,
    effects: u8,
    deaths: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Tick,
    Claim,
    Die,
    Go,
    Send,
    Arrive,
    Vanish,
    Reply,
    LoseReply,
    Probe,
}

struct Steps;

fn state_of(durable: Durable) -> StepState {
    match durable {
        Durable::Planned => StepState::Planned,
        Durable::Intent => StepState::Intent,
        Durable::InDoubt(until) => StepState::InDoubt { until: at(until) },
        Durable::Done => StepState::Done,
    }
}

fn at(tick: i64) -> Timestamp {
    Timestamp::from_second(tick).expect("in range")
}

fn take(world: &World, event: Event) -> (Durable, Next) {
    let (state, next) = step(state_of(world.durable), event, at(world.now), SignedDuration::from_secs(Q))
        .expect("a legal event");
    let durable = match state {
        StepState::Planned => Durable::Planned,
        StepState::Intent => Durable::Intent,
        StepState::InDoubt { until } => Durable::InDoubt(until.as_second()),
        StepState::Done => Durable::Done,
        StepState::Held => unreachable!("no probe of this model gives up"),
    };
    (durable, next)
}

impl Model for Steps {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            durable: Durable::Planned,
            worker: Worker::Away,
            flying: None,
            effects: 0,
            deaths: 0,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        // Time waits for a request that must arrive or vanish now.
        let due = world.flying.is_some_and(|sent| world.now - sent >= FLIGHT);
        if world.now < END && !due {
            actions.push(Action::Tick);
        }
        if world.flying.is_some() {
            actions.extend([Action::Arrive, Action::Vanish]);
        }
        match world.worker {
            Worker::Away => {
                if world.durable != Durable::Done {
                    actions.push(Action::Claim);
                }
            }
            Worker::Looks => actions.push(Action::Go),
            Worker::WillSend => actions.push(Action::Send),
            Worker::Waits => {
                if world.flying.is_none() {
                    if world.effects > 0 {
                        actions.push(Action::Reply);
                    }
                    actions.push(Action::LoseReply);
                } else {
                    actions.push(Action::LoseReply);
                }
            }
            Worker::WillProbe => actions.push(Action::Probe),
        }
        if world.worker != Worker::Away && world.deaths < DEATHS {
            actions.push(Action::Die);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Tick => world.now += 1,
            Action::Claim => world.worker = Worker::Looks,
            Action::Die => {
                world.worker = Worker::Away;
                world.deaths += 1;
            }
            Action::Go => match world.durable {
                Durable::Planned => {
                    world.durable = take(&world, Event::Intend).0;
                    world.worker = Worker::WillSend;
                }
                // Left behind by somebody: never trusted.
                Durable::Intent | Durable::InDoubt(_) => {
                    if world.durable == Durable::Intent {
                        world.durable = take(&world, Event::Found).0;
                    }
                    world.worker = Worker::WillProbe;
                }
                Durable::Done => world.worker = Worker::Away,
            },
            Action::Send => {
                world.flying = Some(world.now);
                world.worker = Worker::Waits;
            }
            Action::Arrive => {
                world.flying = None;
                world.effects += 1;
            }
            Action::Vanish => world.flying = None,
            Action::Reply => {
                world.durable = take(&world, Event::Wrote).0;
                world.worker = Worker::Away;
            }
            Action::LoseReply => {
                world.durable = take(&world, Event::Lost).0;
                world.worker = Worker::WillProbe;
            }
            Action::Probe => {
                let event = if world.effects > 0 { Event::Seen } else { Event::NotSeen };
                let (durable, next) = take(&world, event);
                world.durable = durable;
                world.worker = match next {
                    Next::Wait(_) | Next::GoOn => Worker::Away,
                    _ => Worker::Looks,
                };
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("the effect is made at most once", |_, world| world.effects <= 1),
            Property::<Self>::always("done means that the effect is there", |_, world| {
                world.durable != Durable::Done || world.effects == 1
            }),
            Property::<Self>::sometimes("it is done after two deaths", |_, world| {
                world.deaths == DEATHS && world.durable == Durable::Done
            }),
            Property::<Self>::sometimes("it is done after a request that vanished", |_, world| {
                world.durable == Durable::Done && world.now > Q
            }),
        ]
    }
}

#[test]
fn a_step_is_carried_out_at_most_once_whatever_happens() {
    let checker = Steps.checker().spawn_bfs().join();
    checker.assert_properties();
    assert!(
        checker.unique_state_count() > 1_000,
        "the model is not trivial: {}",
        checker.unique_state_count()
    );
}
