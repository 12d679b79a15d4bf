//! What links one event to the next, and nothing of what it says: a signed event comes in, the parts of its material go out, from
//! which its hash can be made again behind the event before it. Whoever changes a byte of it changes the hash.

use serde::{Deserialize, Serialize};

use super::dsse::pre_authentication_encoding;
use super::{PublicKey, Seal, SignedEvent, core_digest_of, extensions_of, material, payload_of};
use crate::chain::{Head, Link};
use crate::event::{Classification, Hash, Timestamp};
use crate::receipt::FieldFault;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Skeleton {
    recorded_time: Timestamp,
    classification: Classification,
    causation_id: Option<String>,
    /// The digest of the core attributes and the data.
    core: Hash,
    seal: Seal,
}

impl Skeleton {
    pub fn of(event: &SignedEvent) -> Skeleton {
        let core = event.event.core();
        let attributes = [
            core.id.as_str(),
            &event.event.log().source(),
            "1.0",
            &core.event_type,
            &core.data_content_type,
            &core.data_schema,
            core.subject.as_deref().unwrap_or(""),
            &core.time.to_string(),
        ];
        Skeleton {
            recorded_time: event.event.recorded_time(),
            classification: core.data_classification,
            causation_id: core.causation_id.clone(),
            core: core_digest_of(attributes, Hash::of(&core.data)),
            seal: Seal {
                keyid: event.keyid.clone(),
                signature: event.signature,
            },
        }
    }

    /// Where the log ends with it, if it stands at this place.
    pub fn head_at(&self, link: Link) -> Head {
        let payload = self.payload_at(&link);
        let material = material(&payload, &self.seal.keyid, &self.seal.signature);
        Head {
            position: Some(link.position),
            hash: Hash::of(&material),
        }
    }

    /// The key that its material names; a hint until `is_signed_with`.
    pub fn keyid(&self) -> &str {
        &self.seal.keyid
    }

    /// Whether the event at this place was signed with this key.
    pub fn is_signed_with(&self, link: Link, key: &PublicKey) -> bool {
        let message = pre_authentication_encoding(&self.payload_at(&link));
        key.claim(&message, &self.seal.signature).is_good()
    }

    fn payload_at(&self, link: &Link) -> Vec<u8> {
        let causation_id = self.causation_id.as_deref();
        let extensions = extensions_of(causation_id, link, self.recorded_time, self.classification);
        payload_of(self.core, &extensions)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    recordedtime: String,
    dataclassification: Classification,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causationid: Option<String>,
    core: String,
    keyid: String,
    sig: String,
}

impl TryFrom<Written> for Skeleton {
    type Error = FieldFault;

    fn try_from(written: Written) -> Result<Skeleton, FieldFault> {
        Ok(Skeleton {
            recorded_time: written
                .recordedtime
                .parse()
                .map_err(|_| FieldFault("recordedtime"))?,
            classification: written.dataclassification,
            causation_id: written.causationid,
            core: written.core.parse().map_err(|_| FieldFault("core"))?,
            seal: Seal::read(&written.keyid, &written.sig)?,
        })
    }
}

impl From<Skeleton> for Written {
    fn from(skeleton: Skeleton) -> Written {
        Written {
            recordedtime: skeleton.recorded_time.to_string(),
            dataclassification: skeleton.classification,
            causationid: skeleton.causation_id,
            core: skeleton.core.to_string(),
            keyid: skeleton.seal.keyid.clone(),
            sig: skeleton.seal.sig(),
        }
    }
}
