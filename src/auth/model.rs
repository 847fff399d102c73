//! Roles and what each may do: one table.

use serde::{Deserialize, Serialize};

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

/// Which tenant. The first parameter of every store function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(transparent))]
#[serde(transparent)]
pub struct StoreId(pub i64);
