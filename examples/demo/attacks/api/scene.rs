//! What there is to attack with: everything but other people's keys.

use serde_json::{Map, Value, json};
use tower_fapi::{
    dpop::DPOP,
    testing::{DpopKey, EncryptedTokenBuilder, ProofBuilder, TestIssuer, TokenBuilder},
    time::Timestamp,
};

use super::call::{Call, Operation, Order};
use crate::{
    Outcome,
    attacks::{carriers::Carrier, forgery::changed},
    payment,
    world::World,
};

/// What was stolen, each token as the API would find it: signed, and not encrypted any more.
pub struct Loot {
    /// A token for the accounts, bound to `key`.
    pub token: String,
    /// A token for one payment, bound to `key`.
    pub paying: String,
    /// A key that the attacks may use, so that everything but one thing about a request can be right.
    pub key: DpopKey,
    /// A token that is bound to a key which nobody has got.
    pub stolen: String,
    /// A token that is bound to a certificate.
    pub by_certificate: String,
    /// A key of the thief's.
    pub thief: DpopKey,
    /// Makes tokens in the name of the authorization server, without its key.
    pub stranger: TestIssuer,
    /// Makes tokens in its own name.
    pub evil: TestIssuer,
}

/// Whether tokens are encrypted to the API, beside being signed.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    Signed,
    Encrypted,
}

/// One carrier, and the tokens in one form.
pub struct Scene<'a> {
    pub world: &'a World,
    pub carrier: &'a Carrier,
    pub form: Form,
    pub loot: &'a Loot,
    /// What of the loot is presented, in this form.
    pub token: String,
    pub stolen: String,
    pub by_certificate: String,
    pub now: Timestamp,
}

/// What Ada has approved.
pub const BILL: Order = Order {
    cents: 4995,
    to: "Stadtwerke",
    iban: "NL91ABNA0417164300",
};

impl<'a> Scene<'a> {
    pub fn new(
        world: &'a World,
        carrier: &'a Carrier,
        form: Form,
        loot: &'a Loot,
    ) -> Outcome<Self> {
        Ok(Self {
            world,
            carrier,
            form,
            loot,
            token: form.of(world, &loot.token)?,
            stolen: form.of(world, &loot.stolen)?,
            by_certificate: form.of(world, &loot.by_certificate)?,
            now: world.now(),
        })
    }

    /// What tells this scene from the others.
    pub fn name(&self) -> String {
        let form = match self.form {
            Form::Signed => "tokens signed",
            Form::Encrypted => "tokens encrypted",
        };
        format!("{}, {form}", self.carrier.name())
    }

    /// The URL of the accounts, as a proof has to name it.
    pub fn url(&self) -> String {
        self.carrier.url(Operation::Accounts)
    }

    /// A proof for the accounts that fits the token.
    pub fn proof(&self) -> ProofBuilder {
        self.proof_for(&self.url())
    }

    /// A proof for another URL.
    pub fn proof_for(&self, url: &str) -> ProofBuilder {
        let method = self.carrier.method(Operation::Accounts);
        let proof = self.loot.key.proof(method.as_str(), url, self.now);
        proof.access_token(&self.token)
    }

    /// The token with this proof.
    pub fn proving(&self, proof: &ProofBuilder) -> Call {
        self.proven(&[proof.sign()])
    }

    /// The token with these proofs.
    pub fn proven(&self, proofs: &[String]) -> Call {
        let call = Call::new(Operation::Accounts).authorization("DPoP", &self.token);
        let proofs = proofs.iter().cloned();
        proofs.fold(call, |call, proof| call.header(DPOP, proof))
    }

    /// A token that goes out as it is, with a proof that fits.
    pub fn presenting(&self, operation: Operation, scheme: &str, token: &str) -> Call {
        let (method, url) = (self.carrier.method(operation), self.carrier.url(operation));
        let proof = self.loot.key.proof(method.as_str(), &url, self.now);
        let call = Call::new(operation).authorization(scheme, token);
        call.proof(proof.access_token(token).sign())
    }

    /// A token that was signed somehow, in the form of this scene, with a proof that fits.
    pub fn signed(&self, token: &str) -> Outcome<Call> {
        let token = self.form.of(self.world, token)?;
        Ok(self.presenting(Operation::Accounts, "DPoP", &token))
    }

    /// The token with its header and claims changed, by the authorization server's own key: nothing else is wrong.
    pub fn changed(
        &self,
        change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
    ) -> Outcome<Call> {
        self.signed(&changed(&self.loot.token, &self.world.signing_key, change)?)
    }

    pub fn claim(&self, name: &str, value: Value) -> Outcome<Call> {
        self.changed(|_, claims| {
            claims.insert(name.to_owned(), value);
        })
    }

    pub fn head(&self, name: &str, value: Value) -> Outcome<Call> {
        self.changed(|header, _| {
            header.insert(name.to_owned(), value);
        })
    }

    /// A token with everything in it that ought to be, by somebody who is not the authorization server.
    pub fn forged(&self, issuer: &TestIssuer) -> TokenBuilder {
        issuer
            .token(self.now)
            .subject(self.world.cast.ada.subject)
            .client(self.world.cast.planner.id)
            .scope("accounts payments")
            .bound_to_key(self.loot.key.thumbprint())
    }

    /// The token encrypted to the API, whatever the form of this scene.
    pub fn encrypted(&self) -> EncryptedTokenBuilder {
        let token = self.forged(&self.loot.stranger);
        let public = std::sync::Arc::clone(&self.world.seal.public);
        token.encrypted_to(public).content(self.loot.token.clone())
    }

    /// A payment with the token that Ada has approved another for, its claims changed.
    pub fn paying(
        &self,
        order: Order,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Outcome<Call> {
        let key = &self.world.signing_key;
        let token = changed(&self.loot.paying, key, |_, claims| change(claims))?;
        let token = self.form.of(self.world, &token)?;
        Ok(self.presenting(Operation::Pay(order), "DPoP", &token))
    }

    /// An entry of `authorization_details` with another amount and account than Ada's.
    pub fn approval(amount: &str, iban: &str) -> Outcome<Value> {
        let mut entry = payment::entry(&payment::bill())?;
        for (pointer, text) in [
            ("/instructedAmount/amount", amount),
            ("/creditorAccount/iban", iban),
        ] {
            let value = entry.pointer_mut(pointer).ok_or("no such member")?;
            *value = json!(text);
        }
        Ok(entry)
    }
}

impl Form {
    /// A signed token in this form.
    pub fn of(self, world: &World, signed: &str) -> Outcome<String> {
        match self {
            Self::Signed => Ok(signed.to_owned()),
            Self::Encrypted => world.seal.close(signed),
        }
    }
}
