//! Tests: each setting overrides the layer below it, and an invalid one is refused by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use dezky::ErrorKind;

use super::*;

fn sources(environment: &[(&str, &str)], file: &str) -> dezky::Result<Sources> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let file = if file.is_empty() { None } else { Some(File::parse("dezky.toml".into(), file)?) };
    Ok(Sources { environment, file, ..Sources::default() })
}

fn read(environment: &[(&str, &str)], file: &str) -> dezky::Result<Configuration> {
    Configuration::read(&sources(environment, file)?)
}

const STORE_VARIABLE: (&str, &str) = ("DEZKY_STORE", "sqlite:a.sqlite");

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file = "store = 'sqlite:file.sqlite'\nlisten = '127.0.0.1:1'";
    assert_eq!(read(&[], file).unwrap().store, StoreLocation::Sqlite("file.sqlite".into()));
    let mut both = sources(&[("DEZKY_LISTEN", "127.0.0.1:2")], file).unwrap();
    assert_eq!(Configuration::read(&both).unwrap().listen.address.port(), 2);
    both.flags.push((&LISTEN, "127.0.0.1:3".to_owned()));
    assert_eq!(Configuration::read(&both).unwrap().listen.address.port(), 3);
}

#[test]
fn options_of_a_program_win_and_are_named_as_it_calls_them() {
    let mut given = sources(&[STORE_VARIABLE], "").unwrap();
    given.options.push((&STORE, "store", "sqlite:option.sqlite".to_owned()));
    assert_eq!(Configuration::read(&given).unwrap().store, StoreLocation::Sqlite("option.sqlite".into()));
    given.options.push((&PUBLIC_DOMAIN, "publicDomain", "not a domain".to_owned()));
    let error = Configuration::read(&given).unwrap_err();
    assert!(error.message().starts_with("the option `publicDomain`: "), "{error}");
}

#[test]
fn a_log_filter_names_levels_and_targets_and_is_no_pattern() {
    let filter = |text: &str| log(&sources(&[("DEZKY_LOG", text)], "").unwrap()).map(|settings| settings.filter);
    assert_eq!(filter("info,dezky::server=debug").unwrap(), "info,dezky::server=debug");
    for wrong in ["[span{field=.*}]=info", "dezky=.....", "loud=everything", &"info,".repeat(300)] {
        let error = filter(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{wrong}");
        assert!(error.message().contains("DEZKY_LOG") && error.message().contains("info,dezky=debug"), "{error}");
    }
}

#[test]
fn an_empty_variable_is_as_if_it_were_not_set() {
    let configuration = read(&[STORE_VARIABLE, ("DEZKY_LISTEN", "")], "").unwrap();
    assert_eq!(configuration.listen.address.to_string(), "127.0.0.1:8080");
}

#[test]
fn the_former_name_of_the_database_counts_when_no_store_is_named() {
    let former = ("MONGODB_URI", "mongodb://db.example/dezky");
    assert_eq!(read(&[former], "").unwrap().store, StoreLocation::Mongodb("mongodb://db.example/dezky".to_owned()));
    assert_eq!(read(&[former, STORE_VARIABLE], "").unwrap().store, StoreLocation::Sqlite("a.sqlite".into()));
}

#[test]
fn variables_define_the_default_issuer_or_replace_parts_of_it() {
    let variables = [
        STORE_VARIABLE,
        ("DEZKY_OIDC_ISSUER", "https://auth.example.eu/o/dezky/"),
        ("DEZKY_OIDC_AUDIENCE", "dezky, portal"),
    ];
    let issuers = read(&variables, "").unwrap().issuers;
    assert_eq!(
        (issuers[0].id.as_str(), issuers[0].audiences.as_slice()),
        ("default", &["dezky", "portal"].map(String::from)[..])
    );
    let file = "[[issuers]]\nid = 'default'\nurls = ['https://old.example/']\naudiences = ['old']\nprofile = 'any'";
    let issuers = read(&variables, file).unwrap().issuers;
    assert_eq!(issuers.len(), 1);
    assert_eq!(issuers[0].urls, ["https://auth.example.eu/o/dezky/"]);
    assert_eq!(issuers[0].profile, dezky::authn::Profile::Any);
}

#[test]
fn a_private_network_is_allowed_to_the_default_issuer_by_one_variable() {
    let variable = |value| [STORE_VARIABLE, ("DEZKY_OIDC_PRIVATE_ADDRESSES", value)];
    let issuer = [("DEZKY_OIDC_ISSUER", "https://auth.internal/"), ("DEZKY_OIDC_AUDIENCE", "dezky")];
    let allowed = |environment: &[(&str, &str)], file: &str| {
        read(environment, file).map(|configuration| configuration.issuers[0].private_addresses)
    };
    assert!(!allowed(&[&[STORE_VARIABLE][..], &issuer].concat(), "").unwrap());
    assert!(allowed(&[&variable("true")[..], &issuer].concat(), "").unwrap());
    let file = "[oidc]\nissuer = 'https://auth.internal/'\naudience = 'dezky'\nprivate_addresses = true";
    assert!(allowed(&[STORE_VARIABLE], file).unwrap());
    assert!(!allowed(&variable("false"), file).unwrap());
    let table = "[[issuers]]\nid = 'own'\nurls = ['https://id.internal/']\naudiences = ['x']\nprivate_addresses = true";
    assert!(allowed(&[STORE_VARIABLE], table).unwrap());
    for (value, file, told) in
        [("yes", file, "neither `true` nor `false`"), ("true", table, "needs the issuer `default`")]
    {
        let error = allowed(&variable(value), file).unwrap_err();
        assert!(error.message().contains("DEZKY_OIDC_PRIVATE_ADDRESSES") && error.message().contains(told), "{error}");
    }
}

#[test]
fn how_long_tokens_may_live_is_read_with_a_unit_and_the_longest_counts_for_the_service() {
    let file = |life: &str| {
        let issuer =
            |id: &str| format!("[[issuers]]\nid = '{id}'\nurls = ['https://{id}.example/']\naudiences = ['x']\n");
        format!("{}max_token_life = {life}\n{}", issuer("patient"), issuer("other"))
    };
    for (written, seconds) in [("'7d'", 604_800), ("'36h'", 129_600), ("90", 90)] {
        let configuration = read(&[STORE_VARIABLE], &file(written)).unwrap();
        let lives: Vec<u64> =
            configuration.issuers.iter().map(|issuer| issuer.max_token_life.duration().as_secs()).collect();
        assert_eq!(lives, [seconds, 86_400]);
        assert_eq!(configuration.service_settings().longest_token_life.as_secs(), seconds.max(86_400));
    }
    for wrong in ["'8d'", "'1 week'", "604801", "59", "-1", "true"] {
        let error = read(&[STORE_VARIABLE], &file(wrong)).unwrap_err();
        assert!(error.message().starts_with("`issuers[0]` in the file `dezky.toml`: "), "{error}");
        assert!(wrong == "true" || error.message().contains("`max_token_life`: write"), "{error}");
    }
    let none = read(&[STORE_VARIABLE], "").unwrap();
    assert_eq!(none.service_settings().longest_token_life.as_secs(), 86_400);
}

#[test]
fn limits_are_numbers_or_off_in_every_place() {
    let limits = read(&[STORE_VARIABLE], "").unwrap().limits;
    let rate = |rate: Option<Rate>| rate.map(|rate| (rate.per_second.get(), rate.burst.get()));
    assert_eq!((rate(limits.caller), rate(limits.address)), (Some((100, 500)), Some((1_000, 5_000))));
    let file = "[limits]\ncaller_rate = 7\naddress_rate = 'off'\ntrusted_proxies = ['10.0.0.0/8', 'fd00::1']";
    let limits = read(&[STORE_VARIABLE, ("DEZKY_REQUESTS_IN_FLIGHT", "0")], file).unwrap().limits;
    assert_eq!((rate(limits.caller), rate(limits.address)), (Some((7, 35)), None));
    assert_eq!((limits.trusted_proxies.len(), limits.requests_in_flight), (2, None));
}

#[test]
fn proxies_say_in_one_header_for_whom_they_ask() {
    let header = |environment: &[(&str, &str)], file: &str| {
        let environment = [&[STORE_VARIABLE], environment].concat();
        read(&environment, file).unwrap().limits.forwarded_header
    };
    assert_eq!(header(&[], ""), ForwardedHeader::XForwardedFor);
    assert_eq!(header(&[], "[limits]\nforwarded_header = 'forwarded'"), ForwardedHeader::Forwarded);
    assert_eq!(header(&[("DEZKY_FORWARDED_HEADER", "Forwarded")], ""), ForwardedHeader::Forwarded);
    assert_eq!(header(&[("DEZKY_FORWARDED_HEADER", "X-Forwarded-For")], ""), ForwardedHeader::XForwardedFor);
}

#[test]
fn a_payment_provider_needs_its_secrets_and_the_portal() {
    let (key, webhook) =
        (("DEZKY_STRIPE_SECRET", "sk_test_1"), ("DEZKY_STRIPE_WEBHOOK_SECRETS", "whsec_0123456, whsec_6543210"));
    let portal = ("DEZKY_PORTAL_URL", "https://portal.example.eu");
    assert!(read(&[STORE_VARIABLE], "").unwrap().stripe.is_none());
    let stripe = read(&[STORE_VARIABLE, key, webhook, portal], "").unwrap().stripe.unwrap();
    assert_eq!(stripe.url.as_str(), "https://api.stripe.com/");
    assert!(!format!("{stripe:?}").contains("sk_test_1") && !format!("{stripe:?}").contains("0123456"), "{stripe:?}");
    for (variables, said) in [
        (&[webhook][..], "has no use without `DEZKY_STRIPE_SECRET`"),
        (&[key, portal], "DEZKY_STRIPE_WEBHOOK_SECRETS"),
        (&[key, webhook], "set `DEZKY_PORTAL_URL`"),
        (&[key, portal, ("DEZKY_STRIPE_WEBHOOK_SECRETS", "sk_test_1")], "begin with `whsec_`"),
        (&[key, webhook, portal, ("DEZKY_STRIPE_URL", "http://stripe.example")], "must be an address such as"),
        (&[key, webhook, portal, ("DEZKY_STRIPE_AUTOMATIC_TAX", "yes")], "is neither `true` nor `false`"),
    ] {
        let all = [&[STORE_VARIABLE], variables].concat();
        let error = read(&all, "").unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains("sk_test_1"), "{error}");
    }
}

#[test]
fn the_times_of_claims_of_domains_are_those_that_are_set() {
    let file = "[domains]\nclaim_days = 3\n[dns]\ndnssec = false";
    let configuration = read(&[STORE_VARIABLE, ("DEZKY_DOMAIN_AT_RISK_DAYS", "2")], file).unwrap();
    let times = configuration.service_settings().domains;
    assert_eq!([times.claim, times.at_risk].map(|time| time.as_secs() / 86_400), [3, 2]);
    assert!(configuration.domains.records().is_some());
    assert!(configuration.domains.only_named().records().is_none(), "development asks no public DNS");
}

#[test]
fn personal_values_are_kept_for_a_year_or_as_long_as_is_said() {
    let kept = |environment: &[(&str, &str)], file: &str| {
        let configuration = read(&[&[STORE_VARIABLE], environment].concat(), file).unwrap();
        assert_eq!(configuration.service_settings().audit_details, configuration.audit_details);
        configuration.audit_details.map(|kept| kept.as_secs() / 86_400)
    };
    assert_eq!(kept(&[], ""), Some(365));
    assert_eq!(kept(&[], "[audit]\ndetails_days = 30"), Some(30));
    assert_eq!(kept(&[("DEZKY_AUDIT_DETAILS_DAYS", "7")], "[audit]\ndetails_days = 30"), Some(7));
    assert_eq!(kept(&[("DEZKY_AUDIT_DETAILS_DAYS", "off")], ""), None);
}

#[test]
fn events_are_kept_by_kind_for_ever_or_as_long_as_is_said() {
    let kept = |environment: &[(&str, &str)], file: &str| {
        let configuration = read(&[&[STORE_VARIABLE], environment].concat(), file).unwrap();
        assert_eq!(configuration.service_settings().audit_retention, configuration.audit_retention);
        let days = configuration.audit_retention.iter().map(|(kind, kept)| (kind.clone(), kept.as_secs() / 86_400));
        days.collect::<Vec<_>>()
    };
    let some = vec![("mailbox".to_owned(), 30), ("workspace".to_owned(), 400)];
    assert_eq!(kept(&[], ""), []);
    assert_eq!(kept(&[], "[audit]\nretention = ['workspace=400', 'mailbox=30']"), some);
    assert_eq!(kept(&[("DEZKY_AUDIT_RETENTION", "workspace=400, mailbox = 30")], ""), some);
    let heads = |minutes: &str| {
        let environment =
            [STORE_VARIABLE, ("DEZKY_AUDIT_HEADS_FILE", "h.jsonl"), ("DEZKY_AUDIT_HEADS_MINUTES", minutes)];
        read(&environment, "").unwrap().audit_heads.unwrap().interval.as_secs()
    };
    assert_eq!((heads("1"), heads("1440")), (60, 86_400));
    assert_eq!(read(&[STORE_VARIABLE], "").unwrap().audit_heads, None);
}

#[test]
fn a_process_runs_all_tasks_or_those_that_it_is_told() {
    let tasks = |environment: &[(&str, &str)], file: &str| {
        read(&[&[STORE_VARIABLE], environment].concat(), file).unwrap().tasks
    };
    let some = TaskChoice::These(["copies".to_owned(), "expiry".to_owned()].into());
    assert_eq!(tasks(&[], ""), TaskChoice::All);
    assert_eq!(tasks(&[], "tasks = ['copies', 'expiry']"), some);
    assert_eq!(tasks(&[("DEZKY_TASKS", "expiry,copies")], "tasks = 'all'"), some);
    assert_eq!(tasks(&[("DEZKY_TASKS", "none")], ""), TaskChoice::None);
}

/// Environment, file, and the required content of the error line.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn mail_goes_to_a_server_over_tls_unless_the_scheme_says_otherwise() {
    let from = ("DEZKY_MAIL_FROM", "Dezky@Example.eu");
    let portal = ("DEZKY_PORTAL_URL", "https://app.example.eu");
    assert!(read(&[STORE_VARIABLE], "").unwrap().mail.is_none());
    for url in ["smtps://mail.example.eu", "smtp+starttls://mail.example.eu:2525", "smtp://127.0.0.1"] {
        let configuration = read(&[STORE_VARIABLE, from, portal, ("DEZKY_SMTP_URL", url)], "").unwrap();
        assert_eq!(configuration.mail.as_ref().unwrap().smtp.from, "Dezky@example.eu");
        configuration.platform_mail().unwrap().unwrap();
    }
    let file = "[smtp]\nurl = 'smtps://mail.example.eu'\nuser = 'dezky'\nsecret = 'hidden'\n[mail]\nfrom = 'a@example.eu'\n\
                bounce_domain = 'bounces.example.eu'\n[portal]\nurl = 'http://app.dezky.localhost:3000'\n[invitations]\ndays = 7";
    let configuration = read(&[STORE_VARIABLE], file).unwrap();
    assert_eq!(configuration.invitation_life, Duration::from_secs(7 * 24 * 60 * 60));
    assert!(!format!("{configuration:?}").contains("hidden"));
    let smtp = ("DEZKY_SMTP_URL", "smtps://mail.example.eu");
    for (variables, about) in [
        (&[smtp, portal][..], "DEZKY_MAIL_FROM"),
        (&[smtp, from], "DEZKY_PORTAL_URL"),
        (&[from], "has no use without `DEZKY_SMTP_URL`"),
        (&[smtp, from, portal, ("DEZKY_SMTP_SECRET", "x")], "has no use without `DEZKY_SMTP_USER`"),
        (&[smtp, from, portal, ("DEZKY_SMTP_USER", "x")], "DEZKY_SMTP_SECRET_FILE"),
        (&[from, portal, ("DEZKY_SMTP_URL", "https://mail.example.eu")], "smtp+starttls://"),
        (&[from, portal, ("DEZKY_SMTP_URL", "smtps://user:pass@mail.example.eu")], "without user name"),
        (&[smtp, from, ("DEZKY_PORTAL_URL", "http://app.example.eu")], "begins with `https://`"),
        (&[smtp, portal, ("DEZKY_MAIL_FROM", "nowhere")], "must be an e-mail address"),
        (&[("DEZKY_INVITATION_DAYS", "0")], "1 to 90 days"),
        (&[("DEZKY_ENROLMENT_URL", "auth.example.eu")], "begins with `https://`"),
    ] {
        let error = read(&[&[STORE_VARIABLE], variables].concat(), "").unwrap_err();
        assert!(error.message().contains(about) && !error.message().contains("pass@"), "{variables:?}: {error}");
    }
}

#[test]
fn a_file_may_say_where_the_store_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let setting = format!("file:{}", path.display());
    let read = || read(&[("DEZKY_STORE", &setting)], "");
    for (text, about) in [
        ("", "is empty"),
        ("postgres://u:pass@h/d\n", "has no store"),
        ("file:/etc/passwd", "has no store"),
        ("sqlite:a\nsqlite:b", "has no store"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = read().unwrap_err();
        let told = error.message();
        assert!(told.contains(about) && told.contains("store`") && !told.contains("pass@"), "{text}: {error}");
    }
    std::fs::write(&path, "x".repeat(20_000)).unwrap();
    assert!(read().unwrap_err().message().contains("bytes"));
    std::fs::write(&path, "mongodb://dezky:pass@db.example/dezky\n").unwrap();
    let found = read().unwrap();
    assert_eq!(found.store, StoreLocation::Mongodb("mongodb://dezky:pass@db.example/dezky".to_owned()));
    // So that the doctor finds others who may read it.
    assert_eq!(found.secret_files, [SecretFile { path: path.clone(), secret: "a password of MongoDB" }]);
    std::fs::remove_file(&path).unwrap();
    assert!(read().unwrap_err().message().contains("cannot be read"));
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    let cases: &[Case] = &[
        (&[], "", "`DEZKY_STORE`"),
        (&[("DEZKY_STORE", "postgres://u:secret@h/d")], "", "variable `DEZKY_STORE`: is no store"),
        (&[("DEZKY_STORE", "sqlite:")], "", "names no file"),
        (&[("DEZKY_STORE", "file:")], "", "names no file"),
        (&[("DEZKY_STORE", "file://etc/store")], "", "two slashes"),
        (&[STORE_VARIABLE, ("DEZKY_LISTEN", "8080")], "", "variable `DEZKY_LISTEN`: `8080`"),
        (&[STORE_VARIABLE, ("DEZKY_TASKS", "copies,backup")], "", "variable `DEZKY_TASKS`: there is no task `backup`"),
        (&[STORE_VARIABLE, ("DEZKY_CALLER_RATE", "-1")], "", "variable `DEZKY_CALLER_RATE`: `-1`"),
        (&[STORE_VARIABLE, ("DEZKY_CALLER_BURST", "0")], "", "set `DEZKY_CALLER_RATE` to `off`"),
        (&[STORE_VARIABLE, ("DEZKY_ARRIVAL_SECONDS", "off")], "", "1 to 3600 seconds"),
        (&[STORE_VARIABLE, ("DEZKY_KEEP_ALIVE_SECONDS", "3601")], "", "1 to 3600 seconds"),
        (&[STORE_VARIABLE, ("DEZKY_DRAIN_SECONDS", "301")], "", "0 to 300 seconds"),
        (&[STORE_VARIABLE, ("DEZKY_OPERATIONS_LISTEN", "9090")], "", "variable `DEZKY_OPERATIONS_LISTEN`: `9090`"),
        (&[STORE_VARIABLE, ("DEZKY_AUDIT_DETAILS_DAYS", "0")], "", "`0` must be 1 to 36500 days, or `off`"),
        (&[STORE_VARIABLE, ("DEZKY_DNSSEC", "off")], "", "`off` is neither `true` nor `false`"),
        (&[STORE_VARIABLE, ("DEZKY_DOMAIN_CLAIM_DAYS", "0")], "", "`0` must be 1 to 3650 days"),
        (&[STORE_VARIABLE, ("DEZKY_TRIAL_NOTICE_DAYS", "0")], "", "`0` must be 1 to 90 days"),
        (&[STORE_VARIABLE], "[billing]\ntrial_notice_days = 91", "`91` must be 1 to 90 days"),
        (&[STORE_VARIABLE], "[domains]\nat_risk_days = 4000", "`4000` must be 1 to 3650 days"),
        (&[STORE_VARIABLE, ("DEZKY_AUDIT_RETENTION", "mail=7")], "", "there is no kind of audit event `mail`"),
        (&[STORE_VARIABLE, ("DEZKY_AUDIT_RETENTION", "audit=7")], "", "say what may be missing"),
        (&[STORE_VARIABLE, ("DEZKY_AUDIT_RETENTION", "workspace")], "", "as `workspace=400`"),
        (&[STORE_VARIABLE, ("DEZKY_AUDIT_HEADS_MINUTES", "0")], "", "1 to 1440 minutes"),
        (&[STORE_VARIABLE, ("DEZKY_AUDIT_HEADS_FILE", " ")], "", "names no file"),
        (&[STORE_VARIABLE], "[audit]\ndetails_days = 36501", "`audit.details_days` in the file"),
        (&[STORE_VARIABLE], "[limits]\ntrusted_proxies = 'proxy'", "`proxy` is no address or network"),
        (&[STORE_VARIABLE, ("DEZKY_FORWARDED_HEADER", "x-real-ip")], "", "neither `x-forwarded-for` nor `forwarded`"),
        (&[STORE_VARIABLE, ("DEZKY_OTLP_ENDPOINT", "collector:4318")], "", "variable `DEZKY_OTLP_ENDPOINT`"),
        (&[STORE_VARIABLE, ("DEZKY_OTLP_ENDPOINT", "http://me:secret@collector/")], "", "without user name"),
        (&[STORE_VARIABLE, ("DEZKY_OTLP_ENDPOINT", "http://collector/?key=secret")], "", "and query"),
        (&[STORE_VARIABLE, ("DEZKY_LISTN", "x")], "", "did you mean `DEZKY_LISTEN`?"),
        (&[STORE_VARIABLE], "[sed]\nslug = 'a'", "`sed` in the file `dezky.toml`"),
        (&[STORE_VARIABLE], "[seed]\nslgu = 'a'", "did you mean `seed.slug`?"),
        (&[STORE_VARIABLE], "listen = 8080", "`listen` in the file `dezky.toml`: must be text, not integer"),
        (&[STORE_VARIABLE], "\nlisten = ", "line 2"),
        (&[STORE_VARIABLE, ("DEZKY_OIDC_ISSUER", "https://a.example/")], "", "needs `DEZKY_OIDC_AUDIENCE`"),
        (&[STORE_VARIABLE, ("DEZKY_OIDC_AUDIENCE", "a")], "", "needs `DEZKY_OIDC_ISSUER`"),
        (&[STORE_VARIABLE], "[[issuers]]\nid = 'a'\nurl = 'x'", "`issuers[0]` in the file"),
        (&[STORE_VARIABLE, ("DEZKY_SEED_SLUG", "Not A Slug")], "", "variable `DEZKY_SEED_SLUG`"),
        (&[STORE_VARIABLE, ("DEZKY_PLATFORM_ADMIN_GROUP", "dezky")], "", "`DEZKY_SEED_GROUP`"),
        (&[STORE_VARIABLE, ("DEZKY_EXTRA_CA_CERTS", "/nonexistent.pem")], "", "`DEZKY_EXTRA_CA_CERTS`"),
    ];
    for (environment, file, expected) in cases {
        let error = read(environment, file).expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.message().contains(expected), "expected {expected:?} in: {error}");
        assert!(!error.message().contains("secret"), "{error}");
    }
}

#[test]
fn plans_come_from_the_file_or_from_one_variable() {
    let file = "[plans.team]\nseats = 5\nfiles_gib = 100\nmailbox_gib = 10\nfeatures = ['meetings']";
    let plans = read(&[STORE_VARIABLE], file).unwrap().plans;
    assert_eq!(plans.names().collect::<Vec<_>>(), ["team"]);
    assert_eq!(plans.plan("team").unwrap().seats, 5);
    let json = r#"{"big": {"seats": 50, "files_gib": 900, "mailbox_gib": 20}}"#;
    let plans = read(&[STORE_VARIABLE, ("DEZKY_PLANS", json)], file).unwrap().plans;
    assert_eq!(plans.names().collect::<Vec<_>>(), ["big"]);
    for (variable, file, part) in [
        (
            "",
            "[plans.team]\nseats = 0\nfiles_gib = 100\nmailbox_gib = 10",
            "`plans` in the file `dezky.toml`: the plan `team`: `seats`",
        ),
        ("", "[plans.team]\nseat = 5", "`plans.team` in the file `dezky.toml`: unknown field `seat`"),
        ("", "plans = 'team'", "write each plan as a table `[plans.NAME]`"),
        ("[]", "", "the environment variable `DEZKY_PLANS`: must be a JSON object of plans"),
        (r#"{"a": {"seats": 1, "files_gib": 0, "mailbox_gib": 1}}"#, "", "`DEZKY_PLANS`: the plan `a`: `files_gib`"),
    ] {
        let error = read(&[STORE_VARIABLE, ("DEZKY_PLANS", variable)], file).unwrap_err();
        assert!(error.message().contains(part), "{error}");
    }
}
