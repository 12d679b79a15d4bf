//! How a session begins: the gateway's greeting, where it speaks frames, and the client's CONNECT. What the gateway is and judges by comes in,
//! its first frame goes out. Nothing that was said before is acted on.

use schemas::packed::hello::CODEC_ZSTD;
use schemas::packed::{GatewayHello, Kind};

use super::Session;
use super::desk::Desk;
use super::end::End;
use super::outgoing::Closed;
use crate::gateway::Gateway;
use crate::judge::Breach;
use crate::policy::Policy;
use crate::wire::{ClientOp, Frame, Tongue};

pub fn of(gateway: &Gateway, policy: &Policy, tongue: Tongue) -> Option<GatewayHello> {
    match tongue {
        Tongue::Nats => None,
        Tongue::Packed => Some(GatewayHello {
            codec: CODEC_ZSTD,
            gateway: gateway.settings.name.clone(),
            keyid: gateway.commits.keyid().to_owned(),
            registry: policy.registry.head(),
            heads: Vec::new(),
        }),
    }
}

impl Desk {
    /// Says it, where there is one to be said.
    pub async fn greet(&self) -> Result<(), Closed> {
        match &self.hello {
            None => Ok(()),
            Some(hello) => self.down.send_packed(Kind::Hello, &hello.write()).await,
        }
    }
}

impl Session {
    /// The first operation.
    pub(super) async fn open(&mut self, op: ClientOp) -> Result<(), End> {
        let ClientOp::Connect(connect) = op else {
            return Err(Breach::ConnectExpected.into());
        };
        if !connect.headers {
            return Err(Breach::HeadersRequired.into());
        }
        self.desk.record_connect(&self.policy).await;
        self.connect = Some(connect);
        self.say_ok(true).await
    }

    pub(super) async fn say_ok(&self, acknowledged: bool) -> Result<(), End> {
        let verbose = self.connect.as_ref().is_some_and(|connect| connect.verbose);
        if verbose && acknowledged {
            self.desk.down.send(Frame::new().ok().finish()).await?;
        }
        Ok(())
    }
}
