//! Roles and what each may do: one table.

use serde::{Deserialize, Serialize};

use crate::ids::StoreId;

/// What a person is in the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type, clap::ValueEnum))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Manager,
    Salesperson,
    Workshop,
    Accountant,
}

impl Role {
    pub const ALL: [Role; 5] = [
        Role::Owner,
        Role::Manager,
        Role::Salesperson,
        Role::Workshop,
        Role::Accountant,
    ];

    /// The word in the database and in forms.
    pub fn key(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Manager => "manager",
            Role::Salesperson => "salesperson",
            Role::Workshop => "workshop",
            Role::Accountant => "accountant",
        }
    }

    /// The role of a word in the database or a form.
    pub fn from_key(key: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.key() == key)
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Role::Owner => "Owner",
            Role::Manager => "Manager",
            Role::Salesperson => "Salesperson",
            Role::Workshop => "Workshop",
            Role::Accountant => "Accountant",
        }
    }

    /// Whether this role may do that.
    pub fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::SignedIn | Permission::SeeCampaigns | Permission::SeeCustomers => true,
            Permission::WriteCustomers => matches!(self, Role::Owner | Role::Manager | Role::Salesperson),
            Permission::SendCampaigns | Permission::ImportCustomers | Permission::SeeOutbox | Permission::SeeAudit => {
                matches!(self, Role::Owner | Role::Manager)
            }
            Permission::ManageStore => matches!(self, Role::Owner),
        }
    }
}

/// What can be allowed or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Anyone with a session.
    SignedIn,
    SeeCampaigns,
    SeeCustomers,
    /// Add and edit one customer.
    WriteCustomers,
    /// Bring in a file of customers.
    ImportCustomers,
    /// Create, edit, duplicate, schedule, send, stop and delete campaigns and bulk sends.
    SendCampaigns,
    SeeOutbox,
    SeeAudit,
    /// The store's own settings and its team.
    ManageStore,
}

impl Permission {
    pub const ALL: [Permission; 9] = [
        Permission::SignedIn,
        Permission::SeeCampaigns,
        Permission::SeeCustomers,
        Permission::WriteCustomers,
        Permission::ImportCustomers,
        Permission::SendCampaigns,
        Permission::SeeOutbox,
        Permission::SeeAudit,
        Permission::ManageStore,
    ];
}

/// Who is asking: a signed-in member of staff of one store.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user_id: i64,
    pub store_id: StoreId,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub session_id: i64,
}

impl Actor {
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// The given name, as colleagues say it.
    pub fn first_name(&self) -> &str {
        self.name.split_whitespace().next().unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as it is promised: one row per permission, one column per role, in the order of
    /// [`Role::ALL`].
    const PROMISED: [(Permission, [bool; 5]); 9] = [
        //                             owner  manager sales  workshop accountant
        (Permission::SignedIn, [true, true, true, true, true]),
        (Permission::SeeCampaigns, [true, true, true, true, true]),
        (Permission::SeeCustomers, [true, true, true, true, true]),
        (Permission::WriteCustomers, [true, true, true, false, false]),
        (Permission::ImportCustomers, [true, true, false, false, false]),
        (Permission::SendCampaigns, [true, true, false, false, false]),
        (Permission::SeeOutbox, [true, true, false, false, false]),
        (Permission::SeeAudit, [true, true, false, false, false]),
        (Permission::ManageStore, [true, false, false, false, false]),
    ];

    #[test]
    fn every_role_may_do_what_the_table_says_and_nothing_else() {
        for permission in Permission::ALL {
            let row = PROMISED.iter().find(|(p, _)| *p == permission).map(|(_, row)| *row);
            let real = Role::ALL.map(|role| role.may(permission));
            assert_eq!(Some(real), row, "{permission:?}");
        }
    }

    #[test]
    fn a_role_is_known_by_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::from_key(role.key()), Some(role));
        }
        assert_eq!(Role::from_key("Owner"), None);
        assert_eq!(Role::from_key(""), None);
    }
}
