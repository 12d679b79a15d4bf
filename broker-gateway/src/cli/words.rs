//! The arguments of the commands that say something in the registry come in, `Words` go out.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use broker_gateway::authority::{After, Issued, Words, rule_name};
use clap::{Args, Subcommand, ValueEnum};
use schemas::registry::{ContractRecord, Grant, Right, Serial, Standing, Who};
use schemas::subject::{FeedName, OfficeId};
use serde::de::DeserializeOwned;

use super::StandingArg;

/// How every one of these commands is said.
#[derive(Debug, Args)]
pub struct SayArgs {
    /// The authority's folder
    #[arg(
        long,
        visible_alias = "authority",
        env = "SPEAN_DIR",
        default_value = "."
    )]
    pub dir: PathBuf,
    /// Tell what changes for whom, and say nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Say it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Where what was signed here is carried from.
#[derive(Debug, Args)]
pub struct SignArgs {
    #[command(flatten)]
    pub say: SayArgs,
    /// Write the signed lines to a new file, too, to carry to gateways whose folders are elsewhere
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum OfficeCommand {
    /// Close an office: its sessions end within seconds, and it has no rights; its log stays checkable
    #[command(after_help = "Examples:\n  \
        spean-gateway office close mlvt/kampot --dir authority --dry-run\n  \
        spean-gateway office close mlvt/kampot --dir authority\n\n\
        Its keys stay good, for what it signed is evidence. After a theft retire its key as well (`key retire`) and revoke\n\
        its certificate (`certificate revoke`). Enrolling the office again opens it again.")]
    Close {
        office: OfficeId,
        #[command(flatten)]
        sign: SignArgs,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// End a signing key: what it signed up to a position counts for ever, what it signs behind it counts nowhere
    #[command(after_help = "Examples:\n  \
        spean-gateway key retire mlvt/kampot --after 77 --dir authority\n  \
        spean-gateway key retire mlvt/hq --after labour-returns=120 --after price-bulletin=0 --dir authority\n  \
        spean-gateway key retire mlvt/kampot --after 77 --dir authority --out line.ndjson    (offline; see `registry append`)\n\n\
        The position is the last one of the office's log that the office itself has signed: `spean-agent status` shows it there\n\
        (\"settled\"), and so does every reader's. `spean-gateway rights OFFICE FEED` lists the office's keys.")]
    Retire {
        office: OfficeId,
        /// The last position that counts; with the feed's name where the office has several logs
        #[arg(long, required = true, value_name = "[FEED=]POSITION")]
        after: Vec<AfterArg>,
        /// Which key, where the office has several
        #[arg(long, value_name = "KEYID")]
        key: Option<String>,
        #[command(flatten)]
        sign: SignArgs,
    },
}

#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Revoke a certificate for ever: sessions that showed it end within seconds, and it opens no gateway any more
    #[command(after_help = "Examples:\n  \
        spean-gateway certificate list mlvt/kampot --dir authority\n  \
        spean-gateway certificate revoke 4a0bc1d2e3f4 --dir authority\n  \
        spean-gateway certificate revoke bundles/mlvt-kampot/office.pem --dir authority\n\n\
        The office itself stays, with its other certificates: `enrol` gives it a new one.")]
    Revoke {
        /// Its serial number in hexadecimal, or the certificate's file
        certificate: SerialArg,
        #[command(flatten)]
        sign: SignArgs,
    },
    /// List the certificates that `enrol` has given, and which of them are revoked
    #[command(
        after_help = "Example:\n  spean-gateway certificate list mlvt/kampot --dir authority"
    )]
    List {
        office: Option<OfficeId>,
        /// The authority's folder
        #[arg(
            long,
            visible_alias = "authority",
            env = "SPEAN_DIR",
            default_value = "."
        )]
        dir: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// Take lines that the authority signed elsewhere into this gateway's registry
    #[command(
        after_help = "Example, with the authority's folder on a machine without a network:\n  \
        there: spean-gateway office close mlvt/kampot --dir authority --out line.ndjson\n  \
        here:  spean-gateway registry append line.ndjson --dir gateway-1\n\n\
        A whole registry.ndjson can be carried as well: what is known here already is passed over."
    )]
    Append {
        file: PathBuf,
        #[command(flatten)]
        say: SayArgs,
    },
}

#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Add a feed with its rules, and the contracts that its data is checked by
    #[command(after_help = "Examples:\n  \
        spean-gateway feed add schemas/feeds/ordinances.json --contract schemas/contracts/ordinances/1.0.json --dir authority --dry-run\n  \
        spean-gateway feed add schemas/feeds/ordinances.json --contract schemas/contracts/ordinances/1.0.json --dir authority\n\n\
        Create its stream then (`spean-gateway streams authority`). A contract that was in use never changes: a change is a\n\
        new version, added by the same command with the feed's file that names it. What the registry says already is passed over.")]
    Add {
        /// The feed and its rules, as schemas/feeds/README.md draws them
        feed: PathBuf,
        /// A contract: a JSON Schema with an $id; may be given several times
        #[arg(long, value_name = "FILE")]
        contract: Vec<PathBuf>,
        #[command(flatten)]
        sign: SignArgs,
    },
}

#[derive(Debug, Args)]
pub struct GrantArgs {
    /// What they may do
    #[arg(value_enum)]
    pub right: RightArg,
    pub feed: FeedName,
    #[command(flatten)]
    pub who: WhoArgs,
    /// The rule's name, by which it is named and withdrawn; a rule of that name is replaced [default: from what it says]
    #[arg(long)]
    pub rule: Option<String>,
    #[command(flatten)]
    pub sign: SignArgs,
}

/// Whom a rule names.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct WhoArgs {
    /// One office
    #[arg(long, conflicts_with_all = ["ministry", "standing", "province", "everyone"])]
    office: Option<OfficeId>,
    /// A ministry's offices, with --standing or --province
    #[arg(long)]
    ministry: Option<String>,
    /// Headquarters or provincial offices, of the ministry or of all
    #[arg(long, value_enum, conflicts_with = "province")]
    standing: Option<StandingArg>,
    /// The ministry's offices in these provinces (NCDD codes such as 17)
    #[arg(long, requires = "ministry", value_name = "CODE")]
    province: Vec<String>,
    /// Every office
    #[arg(long, conflicts_with_all = ["ministry", "standing", "province"])]
    everyone: bool,
}

#[derive(Debug, Args)]
pub struct WithdrawArgs {
    /// The rule's name, as `spean-gateway rights` shows it
    pub rule: String,
    #[command(flatten)]
    pub sign: SignArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RightArg {
    Publish,
    Read,
}

/// `77` or `labour-returns=77`.
#[derive(Debug, Clone)]
pub struct AfterArg(After);

impl FromStr for AfterArg {
    type Err = String;

    fn from_str(text: &str) -> Result<AfterArg, String> {
        let (feed, position) = match text.split_once('=') {
            Some((feed, position)) => {
                let feed = feed.parse();
                (
                    Some(feed.map_err(|_| format!("{text:?} names no feed"))?),
                    position,
                )
            }
            None => (None, text),
        };
        let known: Option<u64> = position.parse().ok().filter(|number| *number < 1 << 53);
        let position =
            known.ok_or("write a position such as 77, or a feed's: labour-returns=77")?;
        Ok(AfterArg(After { feed, position }))
    }
}

/// A serial number, as it is or of a certificate's file.
#[derive(Debug, Clone)]
pub struct SerialArg(Serial);

impl FromStr for SerialArg {
    type Err = String;

    fn from_str(text: &str) -> Result<SerialArg, String> {
        let fault = match text.parse() {
            Ok(serial) => return Ok(SerialArg(serial)),
            Err(fault) => fault,
        };
        let Ok(pem) = std::fs::read_to_string(text) else {
            return Err(format!("{fault}, or name the certificate's file"));
        };
        let issued = Issued::of(&pem).map_err(|why| format!("{text}: {why:#}"))?;
        Ok(SerialArg(issued.serial))
    }
}

impl OfficeCommand {
    pub fn words(self) -> (Words, SignArgs) {
        let OfficeCommand::Close { office, sign } = self;
        (Words::CloseOffice(office), sign)
    }
}

impl KeyCommand {
    pub fn words(self) -> (Words, SignArgs) {
        let KeyCommand::Retire {
            office,
            after,
            key: keyid,
            sign,
        } = self;
        let after = after.into_iter().map(|AfterArg(after)| after).collect();
        let words = Words::RetireKey {
            office,
            keyid,
            after,
        };
        (words, sign)
    }
}

impl FeedCommand {
    /// # Errors
    /// A file does not read, or is no feed or no contract.
    pub fn words(self) -> anyhow::Result<(Words, SignArgs)> {
        let FeedCommand::Add {
            feed,
            contract,
            sign,
        } = self;
        let contracts = contract.iter().map(|file| {
            let record = ContractRecord::of_schema(json(file)?);
            record.with_context(|| format!("{} has no $id: a contract's address", file.display()))
        });
        let contracts = contracts.collect::<anyhow::Result<_>>()?;
        let feed = json(&feed)?;
        Ok((Words::AddFeed { contracts, feed }, sign))
    }
}

fn json<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let shown = file.display();
    let text = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    serde_json::from_slice(&text).with_context(|| {
        format!("{shown} is not as it must be; schemas/feeds/README.md draws a feed, schemas/contracts/README.md a contract")
    })
}

impl SerialArg {
    pub fn words(self) -> Words {
        Words::RevokeCertificate(self.0)
    }
}

impl GrantArgs {
    pub fn words(self) -> anyhow::Result<(Words, SignArgs)> {
        let right = match self.right {
            RightArg::Publish => Right::Publish,
            RightArg::Read => Right::Read,
        };
        let (name, who) = self.who.who()?;
        let grant = Grant {
            rule: self
                .rule
                .unwrap_or_else(|| rule_name(&self.feed, right, &name)),
            feed: self.feed,
            right,
            who,
        };
        Ok((Words::Grant(grant), self.sign))
    }
}

impl WhoArgs {
    /// With what such a rule is called.
    fn who(self) -> anyhow::Result<(String, Who)> {
        let standing = self.standing.map(Standing::from);
        let word = match standing {
            Some(Standing::Headquarters) => "headquarters",
            Some(Standing::Provincial) | None => "provincial",
        };
        Ok(match (self.office, self.ministry, standing) {
            (Some(office), _, _) => (office.to_string(), Who::Office { office }),
            (None, Some(ministry), _) if !self.province.is_empty() => {
                let provinces = self.province;
                let name = format!("{ministry}-in-{}", provinces.join("-"));
                (
                    name,
                    Who::Provinces {
                        ministry,
                        provinces,
                    },
                )
            }
            (None, Some(ministry), Some(standing)) => (
                format!("{ministry}-{word}"),
                Who::Ministry { ministry, standing },
            ),
            (None, Some(_), None) => {
                anyhow::bail!("say which of the ministry's offices: --standing or --province")
            }
            (None, None, Some(standing)) => (format!("every-{word}"), Who::Standing { standing }),
            (None, None, None) => ("everyone".to_owned(), Who::Everyone {}),
        })
    }
}
