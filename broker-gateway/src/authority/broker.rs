//! What nats-server must keep to comes in, its configuration goes out. It lets in only gateways and the operator, each with a
//! certificate of nats-server's own CA and an nkey, and grants each no more than its work needs.

use std::path::Path;

use crate::settings::ServerAddress;

/// The port on which the servers of a cluster meet.
const CLUSTER_PORT: u16 = 6222;

/// As whom the servers of a cluster meet.
const ROUTE_USER: &str = "route";
/// The file of the routes' CA, without its ending: where a cluster's configuration does not name it, gateways could join it.
pub const ROUTES_CA: &str = "routes-ca";

/// What the configurations of all servers have in common.
#[derive(Debug)]
pub struct Broker<'a> {
    pub servers: &'a [ServerAddress],
    /// The folder of the certificates and keys of both CAs, the gateways' and, in a cluster, the routes'; nats-server takes paths from where it is started, so it is absolute.
    pub folder: &'a Path,
    pub data_dir: &'a Path,
    /// Public nkeys.
    pub gateway: &'a str,
    pub operator: &'a str,
    /// What the servers of a cluster tell each other besides their certificates.
    pub route_password: &'a str,
}

/// What a gateway may say to nats-server: append and read, and nothing that changes or destroys a stream.
const GATEWAY_PUBLISH: &[&str] = &[
    "spean.>",
    "$JS.API.INFO",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.DIRECT.GET.>",
    "$JS.API.CONSUMER.CREATE.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.>",
    "$JS.API.CONSUMER.DELETE.>",
    "$JS.API.CONSUMER.INFO.>",
    "$JS.API.CONSUMER.NAMES.*",
    "$JS.API.CONSUMER.LIST.*",
    "$JS.API.CONSUMER.MSG.NEXT.>",
    "$JS.ACK.>",
    "$JS.FC.>",
];

/// What a gateway may hear: answers, and on behalf of offices what is asked and confirmed among them.
pub const GATEWAY_SUBSCRIBE: &[&str] = &["_INBOX.>", "spean.heal.>", "spean.confirm.>"];

/// Named besides, so that no later addition to the list above opens them.
const GATEWAY_NEVER: &[&str] = &[
    "$JS.API.STREAM.CREATE.>",
    "$JS.API.STREAM.UPDATE.>",
    "$JS.API.STREAM.DELETE.>",
    "$JS.API.STREAM.PURGE.>",
    "$JS.API.STREAM.RESTORE.>",
    "$JS.API.STREAM.SNAPSHOT.>",
    "$JS.API.STREAM.MSG.DELETE.>",
    "$JS.API.SERVER.>",
    "$JS.API.ACCOUNT.>",
    "$JS.API.META.>",
];

/// The name of a server's configuration file: a single server's has no number.
pub fn file_name(index: usize, servers: usize) -> String {
    match servers {
        1 => "nats-server.conf".to_owned(),
        _ => format!("nats-server-{}.conf", index.saturating_add(1)),
    }
}

/// The configuration of one of the servers.
pub fn configuration(broker: &Broker<'_>, index: usize) -> String {
    let ServerAddress { host, port } = &broker.servers[index];
    let tls = tls(broker.folder, "server", "ca");
    format!(
        r#"# nats-server behind the spean gateways. Written by `spean-gateway init`.
server_name: {name}
listen: {listen}
max_payload: 1048576
max_control_line: 4096
# Gateways hold back what an office's line cannot take yet. The default of ten seconds cut lines of 64 kbit/s again and again.
write_deadline: "2m"
# What may lie here for one of them: sessions ask for 2 MiB at once, and what is more was asked for by nobody who reads.
max_pending: 8MB

# Only a certificate of nats-server's own CA gets as far as to be asked for its nkey.
tls {{
{tls}}}

jetstream {{
  store_dir: {data_dir}
  # The sum of the streams' byte limits stays below this.
  max_file_store: 64GB
  # An acknowledged message is on the disk: the default of two minutes loses what was acknowledged when the power fails.
  sync_interval: always
  limits {{
    # Gateways store what waits as atomic batches, each feed's stream from one writer a gateway.
    batch {{ max_msgs: 1000, max_inflight_per_stream: 200, max_inflight_total: 4000, timeout: 10s }}
  }}
}}
{cluster}
authorization {{
  users: [
    # Gateways: they append and read. Offices have no credentials here.
    {{
      nkey: {gateway}
      permissions: {{
        publish: {{
          allow: {allow}
          deny: {deny}
        }}
        subscribe: {{ allow: {hear} }}
      }}
    }}
    # The operator: streams and consumers, but no event can be published with this key.
    {{
      nkey: {operator}
      permissions: {{
        publish: {{ allow: ["$JS.API.>"] }}
        subscribe: {{ allow: ["_INBOX.>"] }}
      }}
    }}
  ]
}}
"#,
        name = quoted(&format!("{host}-{port}")),
        listen = quoted(&broker.servers[index].to_string()),
        data_dir = quoted(&broker.data_dir.to_string_lossy()),
        cluster = cluster(broker, index),
        gateway = broker.gateway,
        operator = broker.operator,
        hear = list(GATEWAY_SUBSCRIBE),
        allow = list(GATEWAY_PUBLISH),
        deny = list(GATEWAY_NEVER),
    )
}

fn tls(folder: &Path, certificate: &str, ca: &str) -> String {
    let file = |name: &str, end| quoted(&folder.join(format!("{name}.{end}")).to_string_lossy());
    format!(
        "  cert_file: {}\n  key_file: {}\n  ca_file: {}\n  verify: true\n  min_version: \"1.3\"\n",
        file(certificate, "pem"),
        file(certificate, "key"),
        file(ca, "pem"),
    )
}

fn cluster(broker: &Broker<'_>, index: usize) -> String {
    if broker.servers.len() == 1 {
        return String::new();
    }
    let route = |server: &ServerAddress| {
        let port = CLUSTER_PORT;
        ServerAddress {
            port,
            ..server.clone()
        }
        .to_string()
    };
    let others = broker.servers.iter().enumerate();
    let routes: Vec<String> = others
        .filter(|(other, _)| *other != index)
        .map(|(_, server)| {
            let password = broker.route_password;
            quoted(&format!("nats://{ROUTE_USER}:{password}@{}", route(server)))
        })
        .collect();
    format!(
        r#"
# A server is believed everything. So servers have a CA of their own, by which no gateway and no operator has a certificate, and a
# password besides.
cluster {{
  name: spean
  listen: {listen}
  authorization {{ user: {ROUTE_USER}, password: {password}, timeout: 5 }}
  routes: [{routes}]
  tls {{
{tls}  }}
}}
"#,
        listen = quoted(&route(&broker.servers[index])),
        password = quoted(broker.route_password),
        routes = routes.join(", "),
        tls = tls(broker.folder, "route", ROUTES_CA),
    )
}

fn list(subjects: &[&str]) -> String {
    let lines: Vec<String> = subjects
        .iter()
        .map(|subject| format!("            {}", quoted(subject)))
        .collect();
    format!("[\n{}\n          ]", lines.join(",\n"))
}

/// As nats-server's configuration reads strings: a backslash escapes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
