//! The budget of each mailbox: one for all that reach it over the same service, sources and outbounds, through whichever account.
//!
//! The services count per mailbox (and app), so what counts is which mailbox it is, and not what a connection calls it: one knows it
//! by its address, another by its id in the tenant, most by both. Whatever was once named together is one mailbox. Two apps that
//! reach one mailbox share a budget too, which is less than Microsoft gives them.

use std::collections::HashMap;
use std::sync::Arc;

use microsoft::Budget;

use super::cloud::Cloud;
use super::connection_type::ConnectionType;

/// A mailbox under one of its names, all in lower case.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Name {
    over: ConnectionType,
    cloud: Cloud,
    tenant: String,
    mailbox: String,
}

/// The budgets of mailboxes.
#[derive(Debug, Default)]
pub(super) struct Budgets(HashMap<Name, Arc<Budget>>);

impl Budgets {
    /// The budget of the mailbox with this address and this id in its tenant; either may stand in for the other while only one is
    /// known.
    pub(super) fn of(
        &mut self,
        (over, cloud): (ConnectionType, Cloud),
        tenant: &str,
        [address, id]: [&str; 2],
    ) -> Arc<Budget> {
        let names = [address, id].map(|mailbox| Name {
            over,
            cloud,
            tenant: tenant.to_lowercase(),
            mailbox: mailbox.to_lowercase(),
        });
        let known = names.iter().find_map(|name| self.0.get(name));
        let budget = known.map_or_else(
            || match over {
                ConnectionType::Graph => Arc::new(Budget::graph()),
                ConnectionType::Ews => Arc::new(Budget::ews()),
            },
            Arc::clone,
        );
        for name in names {
            self.0.entry(name).or_insert_with(|| Arc::clone(&budget));
        }
        budget
    }

    /// How many mailboxes there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let distinct: std::collections::HashSet<*const Budget> = self.0.values().map(Arc::as_ptr).collect();
        distinct.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPH: (ConnectionType, Cloud) = (ConnectionType::Graph, Cloud::Global);
    const SUPPORT: &str = "support@contoso.test";

    /// Promise: one mailbox has one budget per service, whatever a connection calls it; another tenant's, another cloud's and another
    /// mailbox have their own.
    #[test]
    fn a_mailbox_has_one_budget_under_all_its_names() {
        let mut budgets = Budgets::default();
        let own = budgets.of(GRAPH, "T", [SUPPORT, "oid-1"]);
        for names in [
            [SUPPORT, SUPPORT],
            ["Support@Contoso.test", "OID-1"],
            ["oid-1", "oid-1"],
            ["alias@contoso.test", "oid-1"],
        ] {
            assert!(Arc::ptr_eq(&own, &budgets.of(GRAPH, "t", names)), "{names:?}");
        }
        assert!(Arc::ptr_eq(&own, &budgets.of(GRAPH, "t", ["alias@contoso.test", "alias@contoso.test"])));
        for (service, tenant, names) in [
            (GRAPH, "t", ["sales@contoso.test", "oid-2"]),
            (GRAPH, "other", [SUPPORT, "oid-1"]),
            ((ConnectionType::Graph, Cloud::China), "t", [SUPPORT, "oid-1"]),
            ((ConnectionType::Ews, Cloud::Global), "t", [SUPPORT, "oid-1"]),
        ] {
            assert!(
                !Arc::ptr_eq(&own, &budgets.of(service, tenant, names)),
                "{service:?} {tenant} {names:?}"
            );
        }
        assert_eq!(budgets.count(), 5);
    }
}
