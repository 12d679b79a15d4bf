//! Every bound that the gateway keeps besides those of `schemas::limits`, each with the reason for its number.

use std::time::Duration;

/// How long a new connection may say nothing before it is taken for one that waits for INFO. nats-server waits 50 ms; a
/// ClientHello of 300 bytes takes 300 ms on a line of 9,600 bit/s, behind the handshake's last segment.
pub const TLS_FIRST_WAIT: Duration = Duration::from_millis(500);
/// From a connection that begins with TLS to its whole ClientHello: 500 bytes take half a second on a line of 9,600 bit/s.
pub const FIRST_FLIGHT_WAIT: Duration = Duration::from_secs(2);
/// The longest way there and back, over a satellite on a line of 9,600 bit/s: who waits for INFO has it beside the wait above.
pub const ROUND_TRIP_MOST: Duration = Duration::from_millis(1_500);
/// From ClientHello to the peer's certificate, and from there to CONNECT: a handshake over a satellite takes 2 to 3 s, on 9,600 bit/s 6 s.
pub const UNKNOWN_PEER_WAIT: Duration = Duration::from_secs(10);
/// A ClientHello: 300 bytes of an agent's, under 2 KiB with a post-quantum group.
pub const HELLO_BYTES_MAX: usize = 4 * 1024;
/// What a peer without identity may send behind its ClientHello: a chain of three certificates with the longest keys is 6 KiB.
pub const UNKNOWN_PEER_BYTES_MAX: usize = 12 * 1024;
/// Peers whose ClientHello is awaited: some seconds of the connects of all offices at once, under 10 MiB.
pub const HELLOS_MAX: usize = 512;
/// Peers that shake hands: each costs up to 32 KiB, and CPU.
pub const HANDSHAKES_MAX: usize = 256;
/// Handshakes that one address may have at once, and in each second: all agents behind one address come back after an outage, and what comes
/// without end from one address costs a twentieth of a core.
pub const HANDSHAKES_HELD_MAX: f64 = 256.0;
pub const HANDSHAKES_A_SECOND: f64 = 50.0;
/// How soon an address is looked at again that has none left.
pub const HANDSHAKE_LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Addresses that are remembered for that: those that come are forgotten some seconds after the last time.
pub const HANDSHAKES_PACED_MAX: usize = 4_096;
/// One in so many of these places is kept for addresses from which an office came lately.
pub const ACQUAINTED_SHARE: usize = 4;
/// How long an address is remembered as an office's: a line that is down for days is known when it is back.
pub const ACQUAINTANCE_TIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Addresses that are remembered: several times the offices of the country.
pub const ACQUAINTANCES_MAX: usize = 4_096;
/// How often the audit is told of those who became no session, besides the first, tenth, hundredth ... of each kind.
pub const TURNED_AWAY_TIME: Duration = Duration::from_secs(60 * 60);
/// Networks, and certificates, that such a line names: enough to see who it is.
pub const TURNED_AWAY_NAMED_MAX: usize = 8;
/// Subscriptions of a session: stock clients share one inbox; a few dozen are usual.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// Subscriptions of all sessions of an office: eight agents' worth, many times over.
pub const OFFICE_SUBSCRIPTIONS_MAX: usize = 512;
/// Publishes that are judged together: enough for a batch that saves fsyncs, small enough to keep a session's turn short.
pub const GATHERED_EVENTS_MAX: usize = 256;
/// Bytes of publishes that are judged together; a single one may be larger.
pub const GATHERED_BYTES_MAX: usize = 1024 * 1024;
/// Sessions of one office: an agent has one, a stock client or two beside it, and those that a cut has left behind.
pub const OFFICE_SESSIONS_MAX: usize = 8;
/// Sessions of all offices of one ministry: 26 agents, and as many that a cut has left behind.
pub const MINISTRY_SESSIONS_MAX: usize = 64;
/// How long a session must have been silent before it makes room for a new one of its office.
pub const SEAT_SILENCE_MIN: Duration = Duration::from_secs(10);
/// What an office's account is filled with: seconds of work a second. Of two cores, several offices that flood leave enough.
pub const OFFICE_WORK_SHARE: f64 = 0.1;
/// The same for all offices of a ministry.
pub const MINISTRY_WORK_SHARE: f64 = 0.3;
/// An account holds what comes in within this time: a connect with all its consumers costs 20 ms of work.
pub const BUDGET_HELD_MAX: Duration = Duration::from_secs(1);
/// How long an office is only slowed before it is told that it is over its budget.
pub const BUDGET_SHORT_MAX: Duration = Duration::from_secs(10);
/// What comes on a session's wire besides what is in it, and is not waited for: one record that has come half.
pub const RECORDS_BESIDES_USUAL: usize = 32 * 1024;
/// How often a session looks for it, where nothing can be read.
pub const RECORDS_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The longest wait before an account is looked at again.
pub const BUDGET_SLOWED_WAIT: Duration = Duration::from_secs(1);
/// How long being told takes: at most ten times a second for each session.
pub const BUDGET_TOLD_PAUSE: Duration = Duration::from_millis(100);
/// How often one line of the log that a peer can cause is written.
pub const SELDOM_INTERVAL: Duration = Duration::from_secs(60);
/// How many of them are remembered: several for each office of the country, in 1 MB.
pub const SELDOM_REMEMBERED_MAX: usize = 4_096;
/// How many times an even part of a feed's stream one office may fill: a ministry's headquarters sends more than a district.
pub const SHARES_OF_EVEN: u64 = 4;
/// At which part of its part of the stream the operator is told.
pub const SHARE_WARNED: f64 = 0.75;
/// How often a stream is looked at whose room an office has used: the operator may have given it more.
pub const ROOM_LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// Bytes of one office's publishes that wait for their answers: 8 full gatherings.
pub const OFFICE_PUBLISH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of one office's publishes that were announced and have not come whole: two of the largest.
pub const OFFICE_ANNOUNCED_BYTES_MAX: usize = 2 * 1024 * 1024 + 128 * 1024;
/// The same of all offices.
pub const ALL_ANNOUNCED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Publishes up to this size need no room before they have come: they fit in what is read at once.
pub const ANNOUNCED_BYTES_FREE: usize = 16 * 1024;
/// Publishes of at least this size are judged on a thread of their own, one of an office at a time: JSON of a megabyte takes 10 ms and more.
pub const LARGE_SUBMISSION_BYTES: usize = 128 * 1024;
/// Bytes of all sessions' publishes that wait for their answers.
pub const ALL_PUBLISH_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes that wait to be written to one peer: a largest message and the answers of some gatherings.
pub const OUTGOING_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes in one write: several TLS records, so that small frames share one.
pub const WRITE_BYTES_MAX: usize = 64 * 1024;
/// The headers of one event, which a packed run does not carry: they are made anew.
pub const EVENT_HEADERS_USUAL: usize = 1_500;
/// Bytes of answers in one frame of a packed session; what is more goes in a second one.
pub const ANSWERS_BYTES_MAX: usize = 64 * 1024;
/// How long one write may make no progress: the kernel hands over the next 64 KiB of a line of 8 kbit/s in about a minute.
pub const WRITE_WAIT: Duration = Duration::from_secs(120);
/// What the kernel may hold unsent: more only hides that the line is slow.
pub const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// How long sent bytes may stay without an acknowledgement before the line is given up.
pub const UNACKNOWLEDGED_WAIT: Duration = Duration::from_secs(30);
/// How long an operation may stay half sent without another byte.
pub const HALF_OPERATION_WAIT: Duration = Duration::from_secs(30);
/// Bytes of an operation that have to come in a second, on top of `HALF_OPERATION_WAIT`: half of a line of 9.6 kbit/s.
pub const OPERATION_BYTES_A_SECOND_MIN: usize = 500;
/// Silence after which the gateway asks whether a client is there. Agents ask themselves, and sooner.
pub const SILENCE_BEFORE_PING: Duration = Duration::from_secs(120);
/// Questions without an answer before a session ends.
pub const PINGS_UNANSWERED_MAX: u32 = 2;
/// How long a session that ends may take to send its last words.
pub const FAREWELL_WAIT: Duration = Duration::from_secs(5);
/// How long the last words may take to one whom the registry lets in no more: with the second until the registry is looked at, a
/// revocation takes effect within 5 s.
pub const SHUT_OUT_WAIT: Duration = Duration::from_secs(2);
/// How long a session stays when it was asked to go elsewhere: what is under way at the broker is answered in milliseconds.
pub const LAME_DUCK_GRACE: Duration = Duration::from_millis(250);
/// The time over which sessions leave, one after the other: with the grace and a farewell within the 10 s after which container
/// runtimes kill.
pub const LAME_DUCK_TIME: Duration = Duration::from_secs(4);
/// Connecting to nats-server, TLS and CONNECT together; it stands nearby.
pub const UPSTREAM_CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long JetStream may take to answer: a batch of the largest size takes 50 ms on a slow disk, electing a leader seconds.
pub const UPSTREAM_ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Requests of one session whose answers are waited for: several times what a client has under way.
pub const UNANSWERED_MAX: usize = 1_024;
/// Questions of one feed's writer that wait for their answers: reading the heads of all its logs asks one each.
pub const UPSTREAM_QUESTIONS_MAX: usize = 4_096;
/// How long `streams` waits for a nats-server that was started just before it.
pub const SERVER_START_WAIT: Duration = Duration::from_secs(10);
/// How often it looks meanwhile.
pub const SERVER_LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How often the registry's file is looked at: a revocation takes effect within this.
pub const REGISTRY_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long others may work by lines of the registry that are not here before the operator is told: a copy by hand takes a moment.
pub const REGISTRY_LAG_MAX: Duration = Duration::from_secs(10);
/// How often a session looks by which registry what it delivers was stored.
pub const STAMP_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// One file of the audit: some 300,000 decisions.
pub const AUDIT_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Full files of the audit beside the one that is written, 4 GiB: about a month of 132 offices that are connected all the time.
/// Whoever wants to keep more moves them away.
pub const AUDIT_FILES_MAX: usize = 64;
/// Lines of the audit that one office may have at once, and in each second: a day of an agent is some hundred, and a flood for an
/// hour 10 MB of the 4 GiB.
pub const AUDIT_LINES_HELD_MAX: f64 = 2_000.0;
pub const AUDIT_LINES_A_SECOND: f64 = 10.0;
/// How often what was only counted is written: a gateway that is killed loses the numbers of that time.
pub const AUDIT_COUNT_INTERVAL: Duration = Duration::from_secs(10);
/// Audit records that wait to be written: a second of a busy gateway.
pub const AUDIT_LINES_MAX: usize = 16 * 1024;
/// The body of anything that is asked or confirmed: the largest are requests for consumers with 256 filters of up to 128 bytes.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Messages of one pull: agents ask for 500.
pub const PULL_MESSAGES_MAX: u64 = 10_000;
/// How long a pull may wait at nats-server; agents ask for 10 minutes.
pub const PULL_WAIT_MAX: Duration = Duration::from_secs(60 * 60);
/// How often nats-server says that a pull is still waiting; about 100 bytes between two machines that stand beside each other.
pub const PULL_HEARTBEAT: Duration = Duration::from_secs(10);
/// Silence after which a pull waits in vain: two heartbeats are missing.
pub const PULL_SILENCE_MAX: Duration = Duration::from_secs(20);
/// Pulls of all sessions of an office that are under way: an agent has one for each feed, and one for confirmations; those of sessions
/// that a cut has left behind are among them.
pub const OFFICE_PULLS_MAX: usize = 64;
/// Pulls of one session that are watched: what waits, and what was left without a word.
pub const PULLS_WATCHED_MAX: usize = 256;
/// How soon it is worth asking for one pull more than those: one of them ends when it has brought something.
pub const PULLS_RETRY: Duration = Duration::from_secs(10);
/// Messages that a consumer may hold without an acknowledgement.
pub const ACKS_PENDING_MAX: i64 = 20_000;
/// The same for one that pushes, whose client has asked for nothing: half a megabyte of usual events.
pub const PUSHED_PENDING_MAX: i64 = 256;
/// How often it may say that it is still there: an office's thousand consumers would say so ten thousand times a second.
pub const PUSHED_HEARTBEAT_MIN: Duration = Duration::from_secs(1);
/// How fast it pushes at most, 2 MB a second: what comes to all sessions of an office before the gateway has said that they take nothing.
pub const PUSHED_BITS_A_SECOND_MAX: u64 = 16_000_000;
/// How long a consumer that pushes is kept at least while its client is not listened for: as long as a client may take nothing.
pub const PUSHED_IDLE_MIN: Duration = Duration::from_secs(150);
/// How soon nats-server may deliver again what was not acknowledged: a slow line alone takes seconds, and 1 ns made it deliver without a pause.
pub const ACK_WAIT_MIN: Duration = Duration::from_secs(1);
/// And how late: longer than any client's default.
pub const ACK_WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a consumer or a pull may say that it is still there, as for nats-server's consumers.
pub const HEARTBEAT_MIN: Duration = Duration::from_millis(100);
/// Replicas of a consumer; nats-server has no more of anything.
pub const REPLICAS_MAX: u64 = 5;
/// How long a consumer may stay unused before nats-server forgets it.
pub const CONSUMER_IDLE_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Consumers of one office on one feed. An agent has one or two, and may leave one behind for a quarter of an hour each time it is
/// killed; each costs nats-server 40 KB.
pub const CONSUMERS_MAX: usize = 256;
/// How long nothing came out of a consumer that nobody waits at, before it is given back for a new one of its office: an agent waits at
/// its own all the time, but for the moments in which it writes down what came.
pub const CONSUMER_LEFT_BEHIND: Duration = Duration::from_secs(30);
/// How often it is looked what one office has left behind on one feed: it takes nats-server a list of all offices' consumers there.
pub const CONSUMERS_LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Consumers told in one page of a list; each is a question to nats-server.
pub const CONSUMERS_PAGE: usize = 32;
/// Questions of what there is that are asked at the same time, for all sessions: people and starting programs ask them.
pub const OVERVIEWS_AT_ONCE: usize = 16;
/// Messages of one direct read.
pub const DIRECT_MESSAGES_MAX: u64 = 1_000;
/// Bytes of one pull or direct read, where the client names a number.
pub const READ_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of one direct read of several messages, whatever the client names: the largest event fits, and what is left is asked for anew.
pub const READ_BYTES_AT_ONCE: u64 = 1024 * 1024;
/// Bytes of a pull that may come before there is room for more: some events, and for all pulls of an office a megabyte.
pub const PULL_BYTES_WAITING: u64 = 16 * 1024;
/// Bytes of a pull that are asked for at once, whatever the client names: the largest event fits, with its headers.
pub const PULL_BYTES_AT_ONCE: u64 = 1024 * 1024 + 64 * 1024;
/// How long so many may wait at nats-server for more to come: their room is other reads', too.
pub const PULL_LARGE_TIME: Duration = Duration::from_secs(2);
/// How long after its time a piece counts as one that nats-server has ended without a word, as it does where nobody listens any more.
pub const PULL_LATE: Duration = Duration::from_secs(3);
/// How often a session looks for such.
pub const PULL_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Messages of one direct read, whatever the client names: each read keeps others waiting for a millisecond.
pub const READ_MESSAGES_AT_ONCE: u64 = 256;
/// What of a read's time until its answer begins is paid for at most: nats-server may be slow for another's sake.
pub const READ_SEARCH_PAID_MAX: Duration = Duration::from_millis(100);
/// Such reads of one office that are under way at the same time, of all its sessions.
pub const OFFICE_READS_AT_ONCE: usize = 2;
/// What a session may have asked for and not taken, of reads and pulls together: two of the largest. As much again may lie on its own
/// line, and what waits of its pulls beside it: with the frames' own bytes under the 4 MB that nats-server keeps for a connection.
pub const READ_AHEAD_BYTES_MAX: usize = 2 * (1024 * 1024 + 64 * 1024);
/// How long a read keeps its room whose answer nobody listens to in its session: another session of the office may hear it.
pub const READ_UNHEARD_TIME: Duration = UPSTREAM_ANSWER_WAIT;
/// Subscriptions of an office that may hear one long answer, or a pull: each has a copy of it. Stock clients have one.
pub const READ_COPIES_MAX: usize = 2;
/// What one answer is counted for: an event, or a list of names. Only an office's own events can be much larger.
pub const ANSWER_BYTES_USUAL: usize = 64 * 1024;
/// Filters or subjects in one request: the offices of a ministry.
pub const FILTERS_MAX: usize = 256;
/// Runs of one office in line for one feed's writer, or its healer; past that, the office's sessions wait.
pub const LINE_OF_OFFICE_MAX: usize = 256;
/// Events of one office that are stored together while others are about who have little: a batch of them takes about as long as one
/// single append, so that whoever waits behind it hardly notices.
pub const TURN_OF_OFFICE_EVENTS: usize = 16;
/// An event with its headers; a larger one counts as many in its office's turns.
pub const EVENT_BYTES_USUAL: usize = 4 * 1024;
/// How long an office counts as being about after it has put something in line.
pub const OTHERS_ABOUT_TIME: Duration = Duration::from_secs(10);
/// How many times as long as its part of a turn took an office rests that had much of it, while others are about: so they find
/// the writer idle four fifths of the time, and it still stores more than any office's line brings.
pub const WRITING_RESTS: f64 = 4.0;
/// The same for an office whose known events were looked up, whoever is about: it is read for, and nothing comes of it.
pub const LOOKING_UP_RESTS: f64 = 3.0;
/// Damaged messages that are passed over in a row in search of a readable one.
pub const DAMAGED_IN_A_ROW_MAX: u32 = 64;
/// Bytes of one batch, beside the number of its messages: nats-server keeps it in memory until it is whole.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Heads that one feed's writer remembers: several times the offices of the country.
pub const HEADS_REMEMBERED_MAX: usize = 8_192;
/// Events of a log whose places are remembered: what a sender has under way when its connection breaks.
pub const RECENT_EVENTS_MAX: usize = 64;
/// Heads that are read at the same time: the largest events fit into what nats-server keeps for one connection.
pub const HEADS_READ_AT_ONCE: usize = 4;
/// How long what was read of a log's confirmations is taken for what is confirmed, while nothing more is heard of it: an office in league
/// with a reader makes the writer ask so often, and not for each event.
pub const CONFIRMED_FRESH: Duration = Duration::from_secs(5);
/// How long after a confirmation was heard it is stored: what is read sooner may be without it, and is not kept.
pub const CONFIRMED_SETTLES: Duration = Duration::from_secs(1);
/// How often a run is tried whose expectation did not hold: more only means that others write this log all the time.
pub const STALE_TRIES_MAX: u32 = 3;
/// How often what was just stored is read back, while nothing is odd: a look costs as much as a tenth of an append.
pub const READ_BACK_INTERVAL: Duration = Duration::from_secs(5);
/// How soon what nats-server acknowledged and did not give back is looked for again, and how late: only a restart mends it.
pub const UNREADABLE_LOOK_FIRST: Duration = Duration::from_secs(5);
pub const UNREADABLE_LOOK_LONGEST: Duration = Duration::from_secs(60);
/// How often in a row nothing was said of what was to be stored, while questions were answered, until nats-server counts as one that stores
/// nothing: one may be a disk that was slow.
pub const UNANSWERED_MIN: u32 = 2;
/// How often one run is stored all the same, to see: each such one may stand there twice afterwards.
pub const UNREADABLE_TRIAL_INTERVAL: Duration = Duration::from_secs(60);
/// How long a gateway that begins waits before it looks again at the streams of a nats-server that does not answer.
pub const STREAMS_LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// How often streams are looked at whose server stays connected: changing their settings takes the operator's own hand.
pub const STREAMS_LOOK_AGAIN: Duration = Duration::from_secs(10 * 60);
/// How long a stream's counts are told without counting again: many who reconnect at once share one count.
pub const COUNTS_FRESH: Duration = Duration::from_secs(1);
/// Questions for counts that wait.
pub const COUNTS_LINE_MAX: usize = 256;
/// Pages of subjects in one count: nats-server tells 100,000 subjects in each.
pub const COUNTS_PAGES_MAX: usize = 100;
/// How long a reading of where a stream ends is told as what is stored now: with what an append takes it stays under `NEWEST_LAG_MAX`.
pub const ENDS_FRESH: Duration = Duration::from_secs(3);
/// How often it is asked for which feeds somebody waits, or was contradicted.
pub const ENDS_LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How old a reading is still told, with its age: older ones say nothing of now.
pub const ENDS_TOLD_MAX: Duration = Duration::from_secs(2 * 60);
/// How often a session is told where streams end, beside its questions for the registry: a hundred bytes each time, 6 KB an hour.
pub const ENDS_TOLD_INTERVAL: Duration = Duration::from_secs(60);
/// Bytes of one office's requests to heal that others hear in `HEAL_REQUEST_BYTES_TIME`: a request for each log of a feed, and of
/// every hearer's line of 64 kbit/s a thirtieth.
pub const HEAL_REQUEST_BYTES_MAX: usize = 16 * 1024;
pub const HEAL_REQUEST_BYTES_TIME: Duration = Duration::from_secs(60);
/// Messages that nats-server is asked for because of one request to heal, more or less: a hundred holes that lie apart, or more. What is not
/// reached is not passed on, and asked for again.
pub const HEAL_QUESTIONS_MAX: u32 = 512;
/// Events of one range of a request that are walked past in search of a hole: of a range that was missing whole, some may be back by now.
pub const HEAL_EVENTS_WALKED_MAX: u32 = 16;
/// How long the same request is not passed on again: whoever has something has heard it.
pub const HEAL_REPEATED_TIME: Duration = Duration::from_secs(60);
/// Requests that are remembered for that: a minute's of a hundred offices.
pub const HEAL_REQUESTS_REMEMBERED_MAX: usize = 4_096;
/// Messages that are read at the same time by a scrub: enough to hide the way there and back; the largest fit into what
/// nats-server keeps for one connection.
pub const SCRUB_AT_ONCE: usize = 4;
/// Sequences that are tried one by one before the next message that is there is asked for.
pub const SCRUB_CHUNK: u64 = 1_024;
/// Positions of each log that a scrub remembers with their hashes, to tell what stands twice from what does not link: several times
/// what is stored at once.
pub const SCRUB_REMEMBERED: usize = 1_024;
/// Damaged messages named in one report: more say only that the disk is broken.
pub const DAMAGED_NAMED_MAX: usize = 100;
/// How long the watch waits for a broker that went away before it looks again.
pub const WATCH_CONNECT_WAIT: Duration = Duration::from_secs(2);
