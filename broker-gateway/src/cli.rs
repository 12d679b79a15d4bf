//! The command line: arguments come in, a `Command` goes out. What a command does stands in the library.

mod words;

use std::net::SocketAddr;
use std::path::PathBuf;

use broker_gateway::authority::{Enrol, Init, Named};
use broker_gateway::settings::ServerAddress;
use clap::{Args, Parser, Subcommand, ValueEnum};
use schemas::registry::Standing;
use schemas::subject::{FeedName, OfficeId};
use schemas::text::Language;

pub use self::words::{
    CertificateCommand, FeedCommand, GrantArgs, KeyCommand, OfficeCommand, RegistryCommand,
    SayArgs, SignArgs, WithdrawArgs,
};

/// The one door to the bus: it admits what an office may say, signed and in order, and stores it.
#[derive(Debug, Parser)]
#[command(name = "spean-gateway", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an authority: keys, CAs, registry, and what a gateway and nats-server need
    #[command(
        after_help = "Example:\n  spean-gateway init authority --name localhost\n  \
        nats-server --config authority/nats/nats-server.conf &\n  \
        spean-gateway streams authority\n  spean-gateway serve authority"
    )]
    Init(InitArgs),
    /// Create the streams that are missing on the running nats-server, and name what is different in the others
    #[command(after_help = "Example:\n  spean-gateway streams authority --replicas 3")]
    Streams(StreamsArgs),
    /// Put an office into the registry and make its bundle
    #[command(after_help = "Examples:\n  \
        spean-gateway enrol moh/siem-reap --dir authority --out bundles/moh-siem-reap\n  \
        spean-gateway enrol moh/laboratory --title \"National laboratory\" --standing provincial --province KH12 --out lab\n\n\
        With --csr and --key, made at the office, its private keys never leave it:\n  \
        spean-gateway enrol maff/kampot --csr office.csr --key signing.pub --out bundles/maff-kampot")]
    Enrol(EnrolArgs),
    /// End what an office may do
    #[command(subcommand)]
    Office(OfficeCommand),
    /// End a signing key
    #[command(subcommand)]
    Key(KeyCommand),
    /// List and revoke the certificates of offices
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Show the authority's fingerprint, by which offices know its bundles
    #[command(after_help = "Example:\n  spean-gateway fingerprint authority")]
    Fingerprint {
        /// The authority's folder, or a gateway's
        #[arg(env = "SPEAN_DIR", default_value = ".")]
        dir: PathBuf,
    },
    /// Add a feed to a registry that is in use
    #[command(subcommand)]
    Feed(FeedCommand),
    /// Let offices publish on a feed, or read it
    #[command(after_help = "Examples:\n  \
        spean-gateway grant read market-prices --office mlvt/kampot --dir authority\n  \
        spean-gateway grant publish labour-returns --ministry mlvt --province 07 --province 12 --dir authority\n  \
        spean-gateway grant read price-bulletin --everyone --dir authority --dry-run")]
    Grant(GrantArgs),
    /// Take a rule back: what it alone allowed ends within seconds, open consumers and pulls included
    #[command(
        after_help = "Example:\n  spean-gateway withdraw price-bulletin/read/everyone --dir authority --dry-run"
    )]
    Withdraw(WithdrawArgs),
    /// Bring what the authority said elsewhere to a gateway
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Run the gateway
    #[command(after_help = "Example:\n  spean-gateway serve authority")]
    Serve {
        /// The gateway's folder, or the gateway.toml in it
        #[arg(env = "SPEAN_DIR", default_value = ".")]
        dir: PathBuf,
        /// Another way to say it
        #[arg(long, value_name = "GATEWAY_TOML", conflicts_with = "dir")]
        config: Option<PathBuf>,
    },
    /// Name every mistake in a gateway's folder at once, and what is different on its nats-server
    #[command(after_help = "Example:\n  spean-gateway check authority && echo ready")]
    Check {
        /// The gateway's folder
        #[arg(env = "SPEAN_DIR", default_value = ".")]
        dir: PathBuf,
        #[arg(long)]
        /// As JSON
        json: bool,
    },
    /// Read every log of every stream, and name what is missing, damaged or does not link; what is missing is asked for
    #[command(after_help = "Example:\n  spean-gateway scrub authority && echo whole")]
    Scrub {
        /// The gateway's folder
        #[arg(env = "SPEAN_DIR", default_value = ".")]
        dir: PathBuf,
        /// One feed's stream alone
        #[arg(long)]
        feed: Option<FeedName>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell what an office may do on a feed, and by which rule
    #[command(
        after_help = "Example:\n  spean-gateway rights moh/siem-reap market-prices --dir authority"
    )]
    Rights {
        office: OfficeId,
        feed: FeedName,
        /// The gateway's folder
        #[arg(long, env = "SPEAN_DIR", default_value = ".")]
        dir: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell what a code means, what to do and whom to call; without a code, list them all
    #[command(after_help = "Examples:\n  \
        spean-gateway explain bus-unreadable\n  \
        spean-gateway explain 60216 --lang km\n  \
        spean-gateway explain --json | jq -r '.[] | select(.severity == \"critical\").code'\n\n\
        What an office may do on a feed is told by `spean-gateway rights`.")]
    Explain {
        /// The code, or its number on the wire
        code: Option<String>,
        /// The language: en or km [default: as LC_ALL, LC_MESSAGES or LANG say, else both]
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<Language>,
        /// As JSON: the pages of the code, or of all
        #[arg(long)]
        json: bool,
    },
    /// Write a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Write the manual page
    Man,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// The new folder; it must not exist, or be empty
    pub dir: PathBuf,
    /// Where the gateway meets offices
    #[arg(long, default_value = "127.0.0.1:4443")]
    pub listen: SocketAddr,
    /// Where nats-server listens; several for a cluster
    #[arg(long, default_value = "127.0.0.1:4222", value_name = "HOST:PORT")]
    pub nats: Vec<ServerAddress>,
    /// The name under which offices reach the gateway; may be given several times
    #[arg(long, default_value = "localhost")]
    pub name: Vec<String>,
    /// Where nats-server keeps its streams [default: DIR/nats/data]
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct StreamsArgs {
    /// The authority's folder
    #[arg(env = "SPEAN_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Copies of each stream: 1, or 3 in a cluster of three
    #[arg(long, default_value_t = 1)]
    pub replicas: u8,
    /// The room of each new stream; a full one takes nothing more, and loses nothing
    #[arg(long, default_value_t = 4, value_name = "GIB")]
    pub room_gib: u32,
}

#[derive(Debug, Args)]
pub struct EnrolArgs {
    /// ministry/place, such as moh/siem-reap or maff/hq
    pub office: OfficeId,
    /// The new folder for the bundle
    #[arg(long)]
    pub out: PathBuf,
    /// The authority's folder
    #[arg(
        long,
        visible_alias = "authority",
        env = "SPEAN_DIR",
        default_value = "."
    )]
    pub dir: PathBuf,
    /// A certificate request that the office made; only its key is used
    #[arg(long, requires = "key")]
    pub csr: Option<PathBuf>,
    /// The public signing key that the office made: a file with 32 bytes in base64
    #[arg(long, requires = "csr", value_name = "PUBLIC_KEY_FILE")]
    pub key: Option<PathBuf>,
    /// What the office is called, where its name does not say it
    #[arg(long)]
    pub title: Option<String>,
    /// The same in Khmer
    #[arg(long)]
    pub title_km: Option<String>,
    /// Whether it may send any province's figures or only its own
    #[arg(long, value_enum)]
    pub standing: Option<StandingArg>,
    /// The province's code: 17, KH17 or siem-reap
    #[arg(long)]
    pub province: Option<String>,
    /// The node of the National Information Infrastructure that it sits on
    #[arg(long)]
    pub node: Option<String>,
    /// Where the office reaches gateways [default: as the gateway listens]
    #[arg(long, value_name = "HOST:PORT")]
    pub gateway: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StandingArg {
    Headquarters,
    Provincial,
}

impl From<InitArgs> for Init {
    fn from(args: InitArgs) -> Init {
        Init {
            folder: args.dir,
            listen: args.listen.to_string(),
            names: args.name,
            nats: args.nats,
            data_dir: args.data_dir,
        }
    }
}

impl From<StandingArg> for Standing {
    fn from(standing: StandingArg) -> Standing {
        match standing {
            StandingArg::Headquarters => Standing::Headquarters,
            StandingArg::Provincial => Standing::Provincial,
        }
    }
}

impl From<EnrolArgs> for Enrol {
    fn from(args: EnrolArgs) -> Enrol {
        Enrol {
            office: args.office,
            out: args.out,
            authority: args.dir,
            named: Named {
                title: args.title,
                title_km: args.title_km,
                standing: args.standing.map(Standing::from),
                province: args.province,
                node: args.node,
            },
            from_office: args.csr.zip(args.key),
            gateways: args.gateway,
        }
    }
}
