//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use dezky::{authn::TokenLife, clock::Timestamp};

use crate::commands::{
    doctor::DoctorFlags,
    manual::{CompletionFlags, ManFlags},
    operators::{
        api_key::ApiKeyCommand, audit::AuditFlags, billing::BillingCommand, domain::DomainCommand,
        endpoint::EndpointCommand, events::EventsFlags, invitation::InvitationCommand, mailbox::MailboxCommand,
        member::MemberCommand, subscription::SubscriptionCommand, tenant::TenantCommand, user::UserCommand,
        workspace::WorkspaceCommand,
    },
};
use crate::configuration::{
    ADDRESS_BURST, ADDRESS_RATE, CALLER_BURST, CALLER_RATE, COMPONENT, FORWARDED_HEADER, ISOLATION, LISTEN, LOG,
    LOG_FORMAT, OIDC_AUDIENCE, OIDC_ISSUER, OIDC_PRIVATE_ADDRESSES, OPERATIONS_LISTEN, PLATFORM_ADMIN_GROUP,
    PUBLIC_DOMAIN, REQUESTS_IN_FLIGHT, STORE, Setting, TASKS, TRUSTED_PROXIES,
};

/// Help text common to all operators' commands.
const OPERATORS: &str = "The commands work on the store of the configuration, also while `dezky serve` runs on it. They may do what \
the platform may do; the audit trail names the actor of --as.

Exit codes: 0 done; 1 failed; 2 the command, a setting or a field is wrong; 3 there is nothing of that name; 4 the state of \
something is in the way; 5 not available now, try again; 6 not confirmed; 7 done, and something is left to a person. Errors are one line `code: message` on standard \
error, with a line for each bad field.";

/// The control plane of a sovereign workspace platform: tenants, people, memberships and subscriptions.
#[derive(Debug, Parser)]
#[command(name = "dezky", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API until SIGTERM or SIGINT, then finish requests in progress.
    ///
    /// Settings come from flags, then DEZKY_* environment variables, then the configuration file. An unreachable store
    /// or issuer does not prevent the start: `/readyz` reports what is missing, and it is retried.
    Serve(SettingFlags),
    /// Run the background tasks without serving the API, until SIGTERM or SIGINT.
    ///
    /// Sets up the systems behind tenants and keeps them as they should be. Any number of workers share one store;
    /// `serve` runs the same tasks unless DEZKY_TASKS says otherwise.
    Worker(SettingFlags),
    /// Serve the API on this machine for development: embedded store, own issuer, and tokens that work at once.
    ///
    /// Reads no configuration file, and of the environment only DEZKY_LISTEN, DEZKY_COMPONENT, DEZKY_ISOLATION,
    /// DEZKY_LOG and DEZKY_LOG_FORMAT.
    #[cfg(feature = "development-issuer")]
    Dev(DevFlags),
    /// Upgrade the MongoDB database of the replaced service in place, or copy one store into another (--from, --to).
    ///
    /// Stop all programs that write to the database first, and make a backup: docs/migration.md describes every step.
    /// Exits with 0 when nothing is left to do, with 7 when something needs a manual decision, with 1 when the work
    /// failed.
    #[cfg(feature = "mongodb")]
    Migrate(crate::commands::migrate::MigrateFlags),
    /// Create the first tenant and its subscription if they are missing. `serve` does this too when it starts.
    Seed(SettingFlags),
    /// Print the OpenAPI 3.1 document of the API.
    Openapi,
    /// Administer tenants, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Tenant(TenantCommand),
    /// Administer users, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    User(UserCommand),
    /// Administer the members of a tenant, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Member(MemberCommand),
    /// Administer the domains of a tenant, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Domain(DomainCommand),
    /// See to the systems behind a tenant, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Workspace(WorkspaceCommand),
    /// Invite people to a tenant, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Invitation(InvitationCommand),
    /// Create links to the payment provider, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Billing(BillingCommand),
    /// Show what has changed, the oldest events first.
    #[command(after_help = "Example:\n  dezky events --tenant acme --type 'membership.*' --all")]
    Events(EventsFlags),
    /// Administer the endpoints to which events are delivered, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Endpoint(EndpointCommand),
    /// Administer the mailboxes of a tenant, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Mailbox(MailboxCommand),
    /// Administer API keys, the credentials of machines, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    ApiKey(ApiKeyCommand),
    /// Administer subscriptions, as an operator.
    #[command(subcommand, after_help = OPERATORS)]
    Subscription(SubscriptionCommand),
    /// Show the audit trail, the newest events first.
    #[command(after_help = "Examples:
  dezky audit --tenant acme --since 7d
  dezky audit --actor operator --action tenant.suspend --all
  dezky audit --user anna@example.eu --json
  dezky audit verify --heads /mnt/elsewhere/heads.jsonl
  dezky audit report --tenant acme")]
    Audit(Box<AuditFlags>),
    /// Diagnose store, issuers, keys, certificates and clock, with advice for each problem.
    ///
    /// Changes nothing except for a mark in the store that proves it can be written. Exits 1 if a finding is an error.
    #[command(after_help = "Examples:\n  dezky doctor\n  dezky doctor --json | jq .healthy")]
    Doctor(DoctorFlags),
    /// Print the completion script of a shell.
    #[command(after_help = "Examples:
  dezky completions bash > /etc/bash_completion.d/dezky
  dezky completions zsh > \"${fpath[1]}/_dezky\"
  dezky completions fish > ~/.config/fish/completions/dezky.fish")]
    Completions(CompletionFlags),
    /// Write the manual pages of all commands into a folder.
    #[command(after_help = "Example:\n  dezky man /usr/local/share/man/man1")]
    Man(ManFlags),
    /// Work with access tokens.
    #[command(subcommand)]
    Token(TokenCommand),
}

/// Flags that override environment variables and the configuration file.
#[derive(Debug, Args)]
pub(crate) struct SettingFlags {
    /// Configuration file [DEZKY_CONFIG; default: dezky.toml in the working folder, if present]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Store: sqlite:PATH, mongodb://… or mongodb+srv://…, or file:PATH of a file that has it [DEZKY_STORE, else MONGODB_URI]
    #[arg(long, value_name = "URI")]
    store: Option<String>,
    /// Address and port to listen on [DEZKY_LISTEN; default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Address and port for metrics and readiness details only [DEZKY_OPERATIONS_LISTEN; default: as --listen, to this
    /// machine only]
    #[arg(long, value_name = "ADDRESS:PORT")]
    operations_listen: Option<String>,
    /// Background tasks that this process runs: `all`, `none`, or names separated by commas [DEZKY_TASKS; default: all]
    #[arg(long, value_name = "TASKS")]
    tasks: Option<String>,
    /// URL of the issuer `default`, exactly as in the `iss` of its tokens (or `DEZKY_OIDC_ISSUER`)
    #[arg(long, value_name = "URL")]
    oidc_issuer: Option<String>,
    /// Accepted `aud` values of the issuer `default`, separated by commas (or `DEZKY_OIDC_AUDIENCE`)
    #[arg(long, value_name = "AUDIENCE")]
    oidc_audience: Option<String>,
    /// Allow the issuer `default` to have addresses in a private network [DEZKY_OIDC_PRIVATE_ADDRESSES; default: false]
    #[arg(long, value_name = "true|false")]
    oidc_private_addresses: Option<String>,
    /// Domain of the tenants' hosts, which are SLUG.DOMAIN (or `DEZKY_PUBLIC_DOMAIN`)
    #[arg(long, value_name = "DOMAIN")]
    public_domain: Option<String>,
    /// Group whose members administer the platform (or `DEZKY_PLATFORM_ADMIN_GROUP`)
    #[arg(long, value_name = "GROUP")]
    platform_admin_group: Option<String>,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    component: ComponentFlags,
    #[command(flatten)]
    log: LogFlags,
}

/// Flags of the limits per caller, per address and for the whole process; `off` or 0 disables a limit.
#[derive(Debug, Args)]
pub(crate) struct LimitFlags {
    /// Requests per second of one caller [DEZKY_CALLER_RATE; default: 100]
    #[arg(long, value_name = "NUMBER|off")]
    caller_rate: Option<String>,
    /// Burst of requests of one caller [DEZKY_CALLER_BURST; default: five seconds of the rate]
    #[arg(long, value_name = "NUMBER")]
    caller_burst: Option<String>,
    /// Requests per second of one address, or of one /64 of IPv6 [DEZKY_ADDRESS_RATE; default: 1000]
    #[arg(long, value_name = "NUMBER|off")]
    address_rate: Option<String>,
    /// Burst of requests of one address [DEZKY_ADDRESS_BURST; default: five seconds of the rate]
    #[arg(long, value_name = "NUMBER")]
    address_burst: Option<String>,
    /// Proxies that are trusted to name the client: addresses or networks, separated by commas [DEZKY_TRUSTED_PROXIES;
    /// default: none]
    #[arg(long, value_name = "NETWORKS")]
    trusted_proxies: Option<String>,
    /// Header in which trusted proxies name the client; the other one is ignored [DEZKY_FORWARDED_HEADER; default:
    /// x-forwarded-for]
    #[arg(long, value_name = "x-forwarded-for|forwarded")]
    forwarded_header: Option<String>,
    /// Concurrent requests; further ones are answered with 503 at once [DEZKY_REQUESTS_IN_FLIGHT; default: 512]
    #[arg(long, value_name = "NUMBER|off")]
    requests_in_flight: Option<String>,
}

impl LimitFlags {
    /// Returns the given settings.
    fn settings(&self) -> Vec<(&'static Setting, String)> {
        given([
            (&CALLER_RATE, &self.caller_rate),
            (&CALLER_BURST, &self.caller_burst),
            (&ADDRESS_RATE, &self.address_rate),
            (&ADDRESS_BURST, &self.address_burst),
            (&TRUSTED_PROXIES, &self.trusted_proxies),
            (&FORWARDED_HEADER, &self.forwarded_header),
            (&REQUESTS_IN_FLIGHT, &self.requests_in_flight),
        ])
    }
}

/// Flags of the component that serves the API; without one it is served natively, which is the fastest.
#[derive(Debug, Args)]
pub(crate) struct ComponentFlags {
    /// Serve the API through this WebAssembly component, in a sandbox [DEZKY_COMPONENT; default: none]
    #[arg(long, value_name = "FILE")]
    component: Option<String>,
    /// `shared`: an instance answers many requests; `request`: each has a new one [DEZKY_ISOLATION; default: shared]
    #[arg(long, value_name = "shared|request")]
    isolation: Option<String>,
}

impl ComponentFlags {
    /// Returns the given settings.
    pub(crate) fn settings(&self) -> Vec<(&'static Setting, String)> {
        given([(&COMPONENT, &self.component), (&ISOLATION, &self.isolation)])
    }
}

/// Flags of logging, which goes to standard error.
#[derive(Debug, Args)]
pub(crate) struct LogFlags {
    /// Log filter: a level, or a filter such as info,dezky=debug [DEZKY_LOG; default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Format of log lines: text or json [DEZKY_LOG_FORMAT; default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl LogFlags {
    /// Returns the given settings.
    pub(crate) fn settings(&self) -> Vec<(&'static Setting, String)> {
        given([(&LOG, &self.log), (&LOG_FORMAT, &self.log_format)])
    }
}

impl SettingFlags {
    /// Returns the given settings.
    pub(crate) fn settings(&self) -> Vec<(&'static Setting, String)> {
        let mut settings = given([
            (&STORE, &self.store),
            (&LISTEN, &self.listen),
            (&OPERATIONS_LISTEN, &self.operations_listen),
            (&TASKS, &self.tasks),
            (&OIDC_ISSUER, &self.oidc_issuer),
            (&OIDC_AUDIENCE, &self.oidc_audience),
            (&OIDC_PRIVATE_ADDRESSES, &self.oidc_private_addresses),
            (&PUBLIC_DOMAIN, &self.public_domain),
            (&PLATFORM_ADMIN_GROUP, &self.platform_admin_group),
        ]);
        settings.extend(self.limits.settings());
        settings.extend(self.component.settings());
        settings.extend(self.log.settings());
        settings
    }
}

fn given<const N: usize>(flags: [(&'static Setting, &Option<String>); N]) -> Vec<(&'static Setting, String)> {
    flags.into_iter().filter_map(|(setting, value)| Some((setting, value.clone()?))).collect()
}

/// Flags of `dezky dev`.
#[cfg(feature = "development-issuer")]
#[derive(Debug, Args)]
pub(crate) struct DevFlags {
    /// Address and port to listen on; port 0 chooses a free one [DEZKY_LISTEN; default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Folder of the store and the issuer's signing key; remove it to start over
    #[arg(long, value_name = "FOLDER", default_value = ".dezky")]
    pub(crate) data: PathBuf,
    /// Port of the development issuer on 127.0.0.1 [default: the previous one, else a free one]
    #[arg(long, value_name = "PORT")]
    pub(crate) issuer_port: Option<u16>,
    /// Print one JSON document instead: the address, and each person with id and token
    #[arg(long)]
    pub(crate) json: bool,
    /// Emulate no systems behind tenants: new ones stay pending
    #[arg(long)]
    pub(crate) no_systems: bool,
    /// Address to which the emulated payment provider announces what happens, in place of this server
    #[arg(long, value_name = "URL")]
    pub(crate) billing_webhook: Option<String>,
    #[command(flatten)]
    component: ComponentFlags,
    #[command(flatten)]
    log: LogFlags,
}

#[cfg(feature = "development-issuer")]
impl DevFlags {
    /// Returns the given settings.
    pub(crate) fn settings(&self) -> Vec<(&'static Setting, String)> {
        let mut settings = given([(&LISTEN, &self.listen)]);
        settings.extend(self.component.settings());
        settings.extend(self.log.settings());
        settings
    }
}

/// Work with access tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Verify an access token as the server does.
    ///
    /// Prints its claims as JSON and exits 0; or prints `code: message` on standard error and exits 1. An invalid
    /// command or file exits 2.
    Verify(VerifyFlags),
}

/// Flags of `dezky token verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyFlags {
    /// Token; if absent or `-`, it is read from standard input, where other users of the machine cannot see it
    pub(crate) token: Option<String>,
    /// File with the issuer's JSON Web Key Set
    #[arg(long, value_name = "FILE", required_unless_present = "issuer")]
    pub(crate) jwks: Option<PathBuf>,
    /// URL of the issuer, as in the `iss` of the token; without --jwks its keys are fetched by discovery
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Accepted value of `aud`; may be repeated
    #[arg(long, value_name = "AUDIENCE", required_unless_present = "signature_only")]
    pub(crate) audience: Vec<String>,
    /// Format of the issuer's access tokens
    #[arg(long, value_enum, default_value = "authentik")]
    pub(crate) profile: ProfileChoice,
    /// Maximum lifetime of the token, as `max_token_life` of its issuer [default: 24h]
    #[arg(long, value_name = "TIME")]
    pub(crate) max_token_life: Option<TokenLife>,
    /// Verify only the signature, and print the payload unchanged
    #[arg(long, conflicts_with_all = ["audience", "at"])]
    pub(crate) signature_only: bool,
    /// Time of the verification (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
}

/// Format of access tokens.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ProfileChoice {
    /// Authentik's: `uid` and `azp` are required
    Authentik,
    /// RFC 9068: the header has `typ: at+jwt`
    Rfc9068,
    /// Neither is required
    Any,
}

/// Returns the address under which this machine reaches a listener.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    address
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;
    use dezky::http::operations::OPERATIONS;

    use super::CommandLine;

    /// Returns the names of all commands of a group, and of the groups in it.
    fn names(group: &clap::Command) -> Vec<String> {
        let of = |command: &clap::Command| match command.has_subcommands() {
            true => names(command),
            false => vec![command.get_name().to_owned()],
        };
        let commands = group.get_subcommands().flat_map(of);
        commands.map(|command| format!("{} {command}", group.get_name())).collect()
    }

    #[test]
    fn operators_commands_are_those_of_the_operations() {
        let mut declared: BTreeSet<String> =
            OPERATIONS.iter().flat_map(|operation| operation.commands).map(|command| (*command).to_owned()).collect();
        // It asks the systems behind tenants from where it runs, which no operation of the API does.
        declared.insert("workspace plan".to_owned());
        // It reads the whole trail, which no request may do.
        declared.insert("audit verify".to_owned());
        // It is for the mail server, which has no token.
        declared.insert("invitation bounce".to_owned());
        let groups: BTreeSet<&str> = declared.iter().filter_map(|command| command.split(' ').next()).collect();
        let line = CommandLine::command();
        let mut there = BTreeSet::new();
        for group in line.get_subcommands().filter(|group| groups.contains(group.get_name())) {
            if group.has_subcommands() {
                there.extend(names(group));
            }
            if !group.is_subcommand_required_set() {
                assert!(there.insert(group.get_name().to_owned()));
            }
        }
        assert_eq!(there, declared);
    }
}
