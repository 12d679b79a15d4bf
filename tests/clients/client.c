// The plan of tests/tests/it/clients.rs, done by nats.c as its documentation has it. Two offices' folders, the letters to publish and the
// names come in by the environment; one line a row goes out: its name, a tab, and what became of it. Never: a change to the client.

#define _GNU_SOURCE // For strcasestr and strsep.
#include <nats/nats.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, OTHERS_PATIENCE_MS = 170000, LOOK_AGAIN_US = 10000 };

// A connection under an office's certificate, and what the client was told of it.
typedef struct {
    natsConnection *nc;
    jsCtx *js;
    char inbox[128];
    pthread_mutex_t lock;
    char told[512];
    volatile bool lame_duck, reconnected;
} Office;

static const char *feed, *log_subject, *durable;

static const char *env(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set\n", name);
        exit(2);
    }
    return value;
}

static void row(const char *name, const char *outcome, ...) {
    va_list more;
    va_start(more, outcome);
    printf("%s\t", name);
    vprintf(outcome, more);
    printf("\n");
    fflush(stdout);
    va_end(more);
}

// What the client shows: JetStream's number where it has one.
static void shown(const char *name, natsStatus s, jsErrCode number) {
    if (s == NATS_OK)
        row(name, "works");
    else if (number != 0)
        row(name, "refused %d", (int)number);
    else if (s == NATS_NO_RESPONDERS)
        row(name, "no responders");
    else if (s == NATS_TIMEOUT)
        row(name, "timeout");
    else
        row(name, "%s: %s", natsStatus_GetText(s), nats_GetLastError(NULL));
}

static void is(const char *name, natsStatus s, jsErrCode number, bool right, const char *what) {
    if (s != NATS_OK)
        shown(name, s, number);
    else
        row(name, right ? "works" : "%s", what);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus err, void *closure) {
    Office *office = closure;
    const char *text = NULL;
    (void)sub;
    (void)err;
    natsConnection_GetLastError(nc, &text);
    pthread_mutex_lock(&office->lock);
    snprintf(office->told, sizeof office->told, "%s", text ? text : "");
    pthread_mutex_unlock(&office->lock);
}

static void on_lame_duck(natsConnection *nc, void *closure) {
    (void)nc;
    ((Office *)closure)->lame_duck = true;
}

static void on_reconnected(natsConnection *nc, void *closure) {
    (void)nc;
    ((Office *)closure)->reconnected = true;
}

static natsStatus connect_office(Office *office, const char *name, const char *bundle) {
    char ca[512], chain[512], key[512];
    natsOptions *opts = NULL;
    snprintf(ca, sizeof ca, "%s/ca.pem", bundle);
    snprintf(chain, sizeof chain, "%s/office.pem", bundle);
    snprintf(key, sizeof key, "%s/office.key", bundle);
    snprintf(office->inbox, sizeof office->inbox, "_INBOX.%s", name);
    *strchr(office->inbox, '/') = '.';
    pthread_mutex_init(&office->lock, NULL);
    natsStatus s = natsOptions_Create(&opts);
    if (s == NATS_OK) s = natsOptions_SetURL(opts, env("URL"));
    if (s == NATS_OK) s = natsOptions_SetSecure(opts, true);
    if (s == NATS_OK) s = natsOptions_LoadCATrustedCertificates(opts, ca);
    if (s == NATS_OK) s = natsOptions_LoadCertificatesChain(opts, chain, key);
    if (s == NATS_OK) s = natsOptions_SetExpectedHostname(opts, "localhost");
    if (s == NATS_OK) s = natsOptions_SetCustomInboxPrefix(opts, office->inbox);
    if (s == NATS_OK) s = natsOptions_SetErrorHandler(opts, on_error, office);
    if (s == NATS_OK) s = natsOptions_SetLameDuckModeCB(opts, on_lame_duck, office);
    if (s == NATS_OK) s = natsOptions_SetReconnectedCB(opts, on_reconnected, office);
    if (s == NATS_OK) s = natsOptions_SetReconnectWait(opts, 200);
    if (s == NATS_OK) s = natsOptions_SetMaxReconnect(opts, -1);
    if (s == NATS_OK) s = natsConnection_Connect(&office->nc, opts);
    if (s == NATS_OK) s = natsConnection_JetStream(&office->js, office->nc, NULL);
    natsOptions_Destroy(opts);
    return s;
}

static bool becomes(volatile bool *it, int within_ms) {
    for (int waited = 0; !*it && waited < within_ms; waited += LOOK_AGAIN_US / 1000) usleep(LOOK_AGAIN_US);
    return *it;
}

// Waits for an error of the connection that holds both words.
static void told(const char *name, Office *office, const char *word, const char *other) {
    bool heard = false;
    for (int waited = 0; !heard && waited < PATIENCE_MS; waited += LOOK_AGAIN_US / 1000) {
        usleep(LOOK_AGAIN_US);
        pthread_mutex_lock(&office->lock);
        heard = strcasestr(office->told, word) && strcasestr(office->told, other);
        if (heard) office->told[0] = 0;
        pthread_mutex_unlock(&office->lock);
    }
    row(name, heard ? "told" : "not told");
}

static char *file(const char *name, int *length) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", env("LETTERS"), name);
    FILE *opened = fopen(path, "rb");
    if (opened == NULL) {
        perror(path);
        exit(2);
    }
    char *text = calloc(1, 64 * 1024);
    *length = (int)fread(text, 1, 64 * 1024 - 1, opened);
    fclose(opened);
    return text;
}

// A message with a letter's headers, or with none for 0.
static natsMsg *letter(int number, const char *subject) {
    int length;
    char name[32], *data = file("1.data", &length);
    natsMsg *msg = NULL;
    natsMsg_Create(&msg, subject, NULL, data, length);
    free(data);
    if (number == 0) return msg;
    snprintf(name, sizeof name, "%d.headers", number);
    char *lines = file(name, &length), *rest = lines, *line;
    while ((line = strsep(&rest, "\n")) && *line) {
        char *value = strstr(line, ": ");
        *value = 0;
        natsMsgHeader_Set(msg, line, value + 2);
    }
    free(lines);
    return msg;
}

static bool is_letter(natsMsg *msg, int number) {
    natsMsg *wanted = letter(number, "x");
    const char *id = NULL, *must = NULL;
    bool same = natsMsgHeader_Get(msg, "ce-id", &id) == NATS_OK && natsMsgHeader_Get(wanted, "ce-id", &must) == NATS_OK &&
                strcmp(id, must) == 0;
    natsMsg_Destroy(wanted);
    return same;
}

static natsStatus publish(Office *office, int number, const char *subject, bool *duplicate, jsErrCode *number_of_error) {
    natsMsg *msg = letter(number, subject);
    jsPubAck *ack = NULL;
    jsPubOptions opts;
    jsPubOptions_Init(&opts);
    if (number == 1) opts.ExpectStream = feed;
    natsStatus s = js_PublishMsg(&ack, office->js, msg, &opts, number_of_error);
    if (s == NATS_OK && duplicate != NULL) *duplicate = ack->Duplicate;
    jsPubAck_Destroy(ack);
    natsMsg_Destroy(msg);
    return s;
}

static void publishing(Office *office) {
    bool duplicate = false;
    jsErrCode number = 0;
    natsStatus s = publish(office, 1, log_subject, &duplicate, &number);
    is("publish a signed event", s, number, !duplicate, "a duplicate");
    s = publish(office, 1, log_subject, &duplicate, &number);
    is("publish it again", s, number, duplicate, "no duplicate");
    s = publish(office, 2, log_subject, &duplicate, &number);
    is("publish the next one", s, number, !duplicate, "a duplicate");
    s = publish(office, 4, log_subject, NULL, &number);
    shown("publish out of order", s, number);
    s = publish(office, 0, log_subject, NULL, &number);
    shown("publish without headers", s, number);
    s = publish(office, 0, env("OTHERS_LOG"), NULL, &number);
    shown("publish to another's log", s, number);
    number = 0;
    s = publish(office, 0, "foo", NULL, &number);
    shown("publish to foo through JetStream", s, number);
}

static void refused(Office *office) {
    natsMsg *answer = NULL;
    natsSubscription *sub = NULL, *queued = NULL;
    char subject[160];
    natsConnection_PublishString(office->nc, "foo", "hi");
    told("publish to foo", office, "Permissions Violation for Publish", "\"foo\"");
    shown("request foo", natsConnection_RequestString(&answer, office->nc, "foo", "hi", 5000), 0);
    natsConnection_SubscribeSync(&sub, office->nc, "foo");
    told("subscribe to foo", office, "Permissions Violation for Subscription", "\"foo\"");
    snprintf(subject, sizeof subject, "%s.q", office->inbox);
    natsConnection_QueueSubscribeSync(&queued, office->nc, subject, "q");
    told("subscribe with a queue group", office, subject, "using queue \"q\"");
    shown("request the registry", natsConnection_RequestString(&answer, office->nc, "spean.registry", "", 5000), 0);
    natsMsg_Destroy(answer);
    natsSubscription_Destroy(sub);
    natsSubscription_Destroy(queued);
}

static void info(const char *name, Office *office, const char *stream) {
    jsStreamInfo *si = NULL;
    jsErrCode number = 0;
    natsStatus s = js_GetStreamInfo(&si, office->js, stream, NULL, &number);
    shown(name, s, number);
    jsStreamInfo_Destroy(si);
}

static uint64_t messages(Office *office) {
    jsStreamInfo *si = NULL;
    uint64_t all = js_GetStreamInfo(&si, office->js, feed, NULL, NULL) == NATS_OK ? si->State.Msgs : 0;
    jsStreamInfo_Destroy(si);
    return all;
}

static void streams(Office *office, Office *reader) {
    jsErrCode number = 0;
    jsAccountInfo *account = NULL;
    natsStatus s = js_GetAccountInfo(&account, office->js, NULL, &number);
    shown("account info", s, number);
    jsAccountInfo_Destroy(account);

    is("stream info", NATS_OK, 0, messages(office) == 2 && messages(reader) >= 2, "another count");

    jsOptions of_log;
    jsOptions_Init(&of_log);
    of_log.Stream.Info.SubjectsFilter = log_subject;
    jsStreamNamesList *names = NULL;
    s = js_StreamNames(&names, office->js, &of_log, &number);
    is("stream name by subject", s, number, s == NATS_OK && names->Count == 1 && !strcmp(names->List[0], feed), "another one");
    jsStreamNamesList_Destroy(names);

    jsStreamInfoList *list = NULL;
    bool found = false;
    s = js_Streams(&list, office->js, NULL, &number);
    for (int at = 0; s == NATS_OK && at < list->Count; at++) found |= !strcmp(list->List[at]->Config->Name, feed);
    is("stream list", s, number, found, "without it");
    jsStreamInfoList_Destroy(list);

    info("stream info, unknown stream", office, "ORDERS");
    info("stream info, feed not the office's", office, env("OTHERS_FEED"));

    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = "ORDERS";
    const char *subjects[] = {"orders.*"};
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    number = 0;
    s = js_AddStream(NULL, office->js, &config, NULL, &number);
    shown("stream create", s, number);
    s = js_PurgeStream(office->js, feed, NULL, &number);
    shown("stream purge", s, number);
    s = js_DeleteStream(office->js, feed, NULL, &number);
    shown("stream delete", s, number);

    // Its calls for buckets give no number.
    kvStore *bucket = NULL;
    s = js_KeyValue(&bucket, office->js, "settings");
    row("bucket bind", s == NATS_NOT_FOUND ? "none" : natsStatus_GetText(s));
    kvConfig kv;
    kvConfig_Init(&kv);
    kv.Bucket = "settings";
    s = js_CreateKeyValue(&bucket, office->js, &kv);
    row("bucket create", strstr(nats_GetLastError(NULL), "subject-forbidden") ? "refused 60124" : natsStatus_GetText(s));
}

static void take_both(const char *name, natsStatus s, jsErrCode number, natsSubscription *sub) {
    natsMsgList both = {0};
    if (s == NATS_OK) s = natsSubscription_Fetch(&both, sub, 2, PATIENCE_MS, &number);
    bool right = s == NATS_OK && both.Count == 2 && is_letter(both.Msgs[0], 1) && is_letter(both.Msgs[1], 2);
    for (int at = 0; s == NATS_OK && at < both.Count; at++) s = natsMsg_AckSync(both.Msgs[at], NULL, &number);
    is(name, s, number, right, "other messages");
    natsMsgList_Destroy(&both);
}

static void pushed(const char *name, Office *reader, jsSubOptions *opts) {
    jsErrCode number = 0;
    natsSubscription *sub = NULL;
    bool right = true;
    natsStatus s = js_SubscribeSync(&sub, reader->js, log_subject, NULL, opts, &number);
    for (int letter = 1; s == NATS_OK && letter <= 2; letter++) {
        natsMsg *msg = NULL;
        s = natsSubscription_NextMsg(&msg, sub, 5000);
        right &= s == NATS_OK && is_letter(msg, letter);
        natsMsg_Destroy(msg);
    }
    is(name, s, number, right, "other messages");
    natsSubscription_Destroy(sub);
}

static void redelivered(Office *reader) {
    const char *name = "nak, in progress, term";
    jsErrCode number = 0;
    natsSubscription *sub = NULL;
    natsMsgList one = {0}, again = {0};
    jsMsgMetaData *meta = NULL;
    uint64_t delivered = 0;
    natsStatus s = js_PullSubscribe(&sub, reader->js, log_subject, NULL, NULL, NULL, &number);
    if (s == NATS_OK) s = natsSubscription_Fetch(&one, sub, 1, 5000, &number);
    if (s == NATS_OK) s = natsMsg_InProgress(one.Msgs[0], NULL);
    if (s == NATS_OK) s = natsMsg_Nak(one.Msgs[0], NULL);
    // The next one may come before it.
    while (s == NATS_OK && delivered != 2) {
        natsMsgList_Destroy(&again);
        s = natsSubscription_Fetch(&again, sub, 1, 5000, &number);
        if (s == NATS_OK) s = natsMsg_GetMetaData(&meta, again.Msgs[0]);
        if (s == NATS_OK) delivered = meta->NumDelivered;
        jsMsgMetaData_Destroy(meta);
        meta = NULL;
    }
    if (s == NATS_OK) s = natsMsg_Term(again.Msgs[0], NULL);
    shown(name, s, number);
    natsMsgList_Destroy(&one);
    natsMsgList_Destroy(&again);
    natsSubscription_Destroy(sub);
}

static void reading(Office *reader) {
    jsErrCode number = 0;
    natsSubscription *sub = NULL;
    natsStatus s = js_PullSubscribe(&sub, reader->js, log_subject, durable, NULL, NULL, &number);
    take_both("pull, durable of its own name", s, number, sub);

    // A program that starts anew binds to what it made before.
    natsSubscription *second = NULL;
    jsConsumerInfo *ci = NULL;
    s = js_PullSubscribe(&second, reader->js, log_subject, durable, NULL, NULL, &number);
    if (s == NATS_OK) s = js_GetConsumerInfo(&ci, reader->js, feed, durable, NULL, &number);
    bool right = s == NATS_OK && !strcmp(ci->Name, durable) && !strcmp(ci->Config->Durable, durable) && ci->NumPending == 0;
    is("pull it again", s, number, right, "another one");
    jsConsumerInfo_Destroy(ci);
    natsSubscription_Destroy(second);
    natsSubscription_Destroy(sub);

    sub = NULL;
    s = js_PullSubscribe(&sub, reader->js, log_subject, NULL, NULL, NULL, &number);
    take_both("pull, without a durable name", s, number, sub);
    natsSubscription_Destroy(sub);

    pushed("push, without a durable name", reader, NULL);
    jsSubOptions ordered;
    jsSubOptions_Init(&ordered);
    ordered.Ordered = true;
    pushed("ordered", reader, &ordered);

    jsSubOptions fresh;
    jsSubOptions_Init(&fresh);
    fresh.Config.DeliverPolicy = js_DeliverNew;
    natsMsgList none = {0};
    sub = NULL;
    s = js_PullSubscribe(&sub, reader->js, log_subject, NULL, NULL, &fresh, &number);
    number = 0;
    if (s == NATS_OK) s = natsSubscription_Fetch(&none, sub, 1, 500, &number);
    shown("pull with nothing there", s, number);
    natsMsgList_Destroy(&none);
    natsSubscription_Destroy(sub);
    redelivered(reader);

    natsMsg *last = NULL, *first = NULL, *missing = NULL;
    jsDirectGetMsgOptions from;
    jsDirectGetMsgOptions_Init(&from);
    from.Sequence = 1;
    from.NextBySubject = log_subject;
    s = js_GetLastMsg(&last, reader->js, feed, log_subject, NULL, &number);
    if (s == NATS_OK) s = js_DirectGetMsg(&first, reader->js, feed, NULL, &from);
    right = s == NATS_OK && is_letter(first, 1) && is_letter(last, 2);
    is("message by subject, by sequence", s, number, right, "other messages");
    s = js_GetMsg(&missing, reader->js, feed, 9999999, NULL, &number);
    shown("message that is not there", s, number);
    natsMsg_Destroy(last);
    natsMsg_Destroy(first);
}

static void consumers(Office *office, Office *reader) {
    jsErrCode number = 0;
    jsConsumerInfo *ci = NULL;
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.FilterSubject = log_subject;
    config.AckPolicy = js_AckExplicit;
    config.MaxAckPending = 65536;
    config.AckWait = 1;
    natsStatus s = js_AddConsumer(&ci, reader->js, feed, &config, NULL, &number);
    bool right = s == NATS_OK && ci->Config->MaxAckPending == 20000 && ci->Config->AckWait == 1000000000;
    is("consumer beyond bounds", s, number, right, "other bounds");
    jsConsumerInfo_Destroy(ci);

    jsConsumerInfoList *list = NULL;
    bool found = false;
    s = js_Consumers(&list, reader->js, feed, NULL, &number);
    for (int at = 0; s == NATS_OK && at < list->Count; at++) found |= !strcmp(list->List[at]->Name, durable);
    is("consumer list", s, number, found, "without it");
    jsConsumerInfoList_Destroy(list);

    s = js_GetConsumerInfo(&ci, reader->js, feed, "nobody", NULL, &number);
    shown("consumer info, unknown consumer", s, number);
    row("consumer pause", "-");

    natsSubscription *sub = NULL;
    jsSubOptions group;
    jsSubOptions_Init(&group);
    group.Queue = "q";
    number = 0;
    s = js_SubscribeSync(&sub, reader->js, log_subject, NULL, &group, &number);
    shown("consumer of a queue group", s, number);
    char whole[128];
    snprintf(whole, sizeof whole, "spean.log.%s.>", feed);
    jsConsumerConfig_Init(&config);
    config.FilterSubject = whole;
    config.AckPolicy = js_AckExplicit;
    number = 0;
    s = js_AddConsumer(&ci, office->js, feed, &config, NULL, &number);
    shown("consumer on logs of others", s, number);
    s = js_DeleteConsumer(reader->js, feed, durable, NULL, &number);
    shown("consumer delete", s, s == NATS_OK ? 0 : number);
}

// The gateway is stopped and started by who reads this line.
static void stopping(Office *office) {
    bool duplicate = false;
    jsErrCode number = 0;
    printf("ready\n");
    fflush(stdout);
    row("gateway stops", becomes(&office->lame_duck, OTHERS_PATIENCE_MS) ? "works" : "timeout");
    if (!becomes(&office->reconnected, PATIENCE_MS)) {
        row("gateway is back", "timeout");
        return;
    }
    natsStatus s = publish(office, 3, log_subject, &duplicate, &number);
    is("gateway is back", s, number, !duplicate, "a duplicate");
}

int main(void) {
    static Office office, reader;
    feed = env("FEED");
    log_subject = env("LOG");
    durable = env("DURABLE");
    row("version", "%s", nats_GetVersion());
    shown("connect", connect_office(&office, env("OFFICE"), env("OFFICE_BUNDLE")), 0);
    natsStatus s = connect_office(&reader, env("READER"), env("READER_BUNDLE"));
    if (office.js == NULL || s != NATS_OK) return 1;
    publishing(&office);
    refused(&office);
    streams(&office, &reader);
    reading(&reader);
    consumers(&office, &reader);
    stopping(&office);
    shown("drain", natsConnection_Drain(office.nc), 0);
    natsConnection_Close(reader.nc);
    return 0;
}
