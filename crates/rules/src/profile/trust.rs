//! The `[trust]` table of a profile's document.

use mail::TrustSettings;
use mail::trust::{Gateway, Network};
use toml::de::{DeTable, DeValue};

use super::document::{Reader, Value};

const KEYS: [&str; 4] = ["domains", "internal", "arc", "gateway"];
const GATEWAY: [&str; 2] = ["name", "addresses"];
/// Gateways that are told apart.
const GATEWAYS: usize = 20;
/// Domains of an organisation, and addresses of a gateway.
const ENTRIES: usize = 200;

impl Reader<'_> {
    /// Reads the table; what is not said in it stays as it is without.
    pub(super) fn trust(&mut self, value: &Value<'_>) -> TrustSettings {
        let otherwise = TrustSettings::default();
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(
                value.span().start,
                "`trust` is no table",
                "Write `[trust]`, then `domains = [\"example.com\"]`",
            );
            return otherwise;
        };
        self.known(table, &KEYS, "in `[trust]`");
        let domains = table.get("domains").map(|value| self.domains(value)).unwrap_or_default();
        let internal = table.get("internal").and_then(|value| self.bool_of(value, "internal"));
        let arc = table.get("arc").and_then(|value| self.bool_of(value, "arc"));
        TrustSettings {
            domains,
            gateways: table.get("gateway").map(|value| self.gateways(value)).unwrap_or_default(),
            internal: internal.unwrap_or(otherwise.internal),
            arc: arc.unwrap_or(otherwise.arc),
        }
    }

    fn domains(&mut self, value: &Value<'_>) -> Vec<String> {
        let listed = self.listed(value, "domains", "[\"example.com\"]");
        let mut domains = Vec::new();
        for (at, text) in listed {
            let domain = text.trim().to_lowercase();
            if domain.is_empty() || domain.contains(|c: char| c == '@' || c.is_whitespace()) {
                self.refuse(at, "this is no domain", "Write what stands behind the @, such as `example.com`");
            } else {
                domains.push(domain);
            }
        }
        domains
    }

    fn gateways(&mut self, value: &Value<'_>) -> Vec<Gateway> {
        let DeValue::Array(all) = value.get_ref() else {
            self.refuse(
                value.span().start,
                "`gateway` is no list",
                "Write `[[trust.gateway]]`, then `name = \"mx.example.net\"` and `addresses = [\"192.0.2.0/24\"]`",
            );
            return Vec::new();
        };
        if all.len() > GATEWAYS {
            let what = format!("there are {} gateways; at most {GATEWAYS} are read", all.len());
            self.refuse(value.span().start, what, "Leave those away that no mail comes through");
        }
        all.iter().take(GATEWAYS).filter_map(|value| self.gateway(value)).collect()
    }

    fn gateway(&mut self, value: &Value<'_>) -> Option<Gateway> {
        let at = value.span().start;
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(at, "this is no gateway", "Write `{ name = \"…\", addresses = [\"…\"] }`");
            return None;
        };
        self.known(table, &GATEWAY, "in `gateway`");
        let name = self.gateway_name(table, at);
        let addresses = self.gateway_addresses(table, at);
        Some(Gateway { name: name?, addresses: addresses? })
    }

    fn gateway_name(&mut self, table: &DeTable<'_>, at: usize) -> Option<String> {
        const MEND: &str = "Write the name that stands first in the `Authentication-Results` which it writes, such as `name = \"mx.example.net\"`";
        let Some(value) = table.get("name") else {
            self.refuse(at, "`name` is missing", MEND);
            return None;
        };
        let name = self.text_of(value, "name")?.trim().to_owned();
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == ';') {
            self.refuse(value.span().start, "this is no name of a gateway", MEND);
            return None;
        }
        Some(name)
    }

    /// Without addresses whoever sends past the gateway could write results in its name.
    fn gateway_addresses(&mut self, table: &DeTable<'_>, at: usize) -> Option<Vec<Network>> {
        const MEND: &str = "Write the addresses from which it hands mail to Exchange, such as `addresses = [\"192.0.2.0/24\"]`: whoever sends past it could write results in its name otherwise";
        let Some(value) = table.get("addresses") else {
            self.refuse(at, "`addresses` is missing", MEND);
            return None;
        };
        let listed = self.listed(value, "addresses", "[\"192.0.2.0/24\"]");
        if listed.is_empty() {
            self.refuse(value.span().start, "`addresses` names none", MEND);
        }
        let mut networks = Vec::new();
        for (at, text) in listed {
            match text.parse::<Network>() {
                Ok(network) => networks.push(network),
                Err(error) => {
                    let error = error.to_string();
                    let (what, mend) =
                        error.rsplit_once(". ").unwrap_or((&error, "Write it like `192.0.2.7`"));
                    self.refuse(at, what, mend);
                }
            }
        }
        Some(networks).filter(|networks| !networks.is_empty())
    }

    /// The texts of a list, each with its place.
    fn listed(&mut self, value: &Value<'_>, key: &str, example: &str) -> Vec<(usize, String)> {
        let DeValue::Array(all) = value.get_ref() else {
            self.refuse(
                value.span().start,
                format!("`{key}` is no list"),
                format!("Write `{key} = {example}`"),
            );
            return Vec::new();
        };
        if all.len() > ENTRIES {
            let what = format!("`{key}` has {} entries; at most {ENTRIES} are read", all.len());
            self.refuse(value.span().start, what, "Write ranges, or fewer");
        }
        all.iter()
            .take(ENTRIES)
            .filter_map(|value| Some((value.span().start, self.text_of(value, key)?)))
            .collect()
    }
}
