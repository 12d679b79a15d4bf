use super::*;

const KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn raw() -> GatewayToml {
    let file = PathBuf::from("there");
    GatewayToml {
        name: "gateway-1".into(),
        listen: "127.0.0.1:4443".into(),
        registry: file.clone(),
        authority_key: KEY.into(),
        audit: "audit.ndjson".into(),
        signing_key: file.clone(),
        sessions_max: 10,
        frames: true,
        heal: HealToml::default(),
        tls: TlsToml {
            certificate: file.clone(),
            key: file.clone(),
            offices_ca: file.clone(),
            tls12: false,
        },
        nats: NatsToml {
            servers: vec!["localhost:4222".into(), "[::1]:4222".into()],
            ca: file.clone(),
            certificate: file.clone(),
            key: file.clone(),
            nkey: file,
        },
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("there"), "").expect("a file");
    folder
}

#[test]
fn what_was_written_reads_back() {
    let folder = folder();
    let text = toml::to_string(&raw()).expect("TOML");
    std::fs::write(folder.path().join(FILE_NAME), text).expect("a file");
    let settings = Settings::read(folder.path()).expect("good settings");
    assert_eq!(settings.registry, folder.path().join("there"));
    assert_eq!(settings.nats.servers[1].to_string(), "[::1]:4222");
}

#[test]
fn every_mistake_is_named_at_once() {
    let folder = folder();
    let mut raw = raw();
    raw.name = "a b".into();
    raw.listen = "4443".into();
    raw.authority_key = "short".into();
    raw.sessions_max = 0;
    raw.tls.key = "not-there".into();
    raw.nats.servers = vec!["nats".into()];
    let SettingsFault(mistakes) = Settings::check(raw, folder.path()).expect_err("mistakes");
    let keys: Vec<&str> = mistakes
        .iter()
        .map(|mistake| match mistake {
            SettingsMistake::Value { key, .. } => *key,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        keys,
        [
            "name",
            "listen",
            "authority_key",
            "sessions_max",
            "tls.key",
            "nats.servers"
        ]
    );
}

#[test]
fn an_unknown_key_is_a_mistake() {
    let folder = folder();
    let text = toml::to_string(&raw()).expect("TOML");
    std::fs::write(
        folder.path().join(FILE_NAME),
        format!("verify = false\n{text}"),
    )
    .expect("a file");
    assert!(Settings::read(folder.path()).is_err());
}
