//! A page as a person reads it: a title, what it says, and perhaps a form.

use http::StatusCode;
use scraper::{ElementRef, Html, Selector};
use url::Url;

use crate::Outcome;

pub struct Page {
    pub status: StatusCode,
    pub heading: String,
    /// What is asked: the fields on the login page, on the consent page the scopes and what is to be paid to whom.
    pub points: Vec<String>,
    /// The code on an error page.
    pub error: Option<String>,
    /// Everything there is to read.
    pub text: String,
    pub form: Option<Form>,
}

#[derive(Clone)]
pub struct Form {
    pub action: Url,
    /// Names of the fields, the hidden ones too, and what is in them.
    pub fields: Vec<(String, String)>,
    /// Names and values of the buttons.
    pub buttons: Vec<(String, String)>,
}

impl Page {
    pub fn read(url: &Url, status: StatusCode, html: &str) -> Outcome<Self> {
        let html = Html::parse_document(html);
        let root = html.root_element();
        Ok(Self {
            status,
            heading: all(root, "h1", whole)?.concat(),
            points: all(root, "ul.scopes li, section.detail dl > div, label", parts)?,
            error: all(root, "dl.reference code:not(#reference)", words)?.pop(),
            text: all(root, "main", words)?.concat(),
            form: all(root, "form", |form| Form::read(url, form))?
                .pop()
                .transpose()?,
        })
    }
}

impl Form {
    fn read(page: &Url, form: ElementRef<'_>) -> Outcome<Self> {
        let pair = |element: ElementRef<'_>| {
            let attribute = |name| element.attr(name).unwrap_or_default().to_owned();
            (attribute("name"), attribute("value"))
        };
        Ok(Self {
            action: page.join(form.attr("action").unwrap_or_default())?,
            fields: all(form, "input[name]", pair)?,
            buttons: all(form, "button[name]", pair)?,
        })
    }

    pub fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }

    /// Types into a field.
    pub fn fill(&mut self, field: &str, text: &str) -> Outcome {
        let found = self.fields.iter_mut().find(|(name, _)| name == field);
        let (_, value) = found.ok_or_else(|| format!("the form has no field {field}"))?;
        text.clone_into(value);
        Ok(())
    }

    /// What is posted when a button is pressed.
    pub fn press(&self, button: &str) -> Outcome<Vec<(String, String)>> {
        let found = self.buttons.iter().find(|(name, _)| name == button);
        let pressed = found.ok_or_else(|| format!("the form has no button {button}"))?;
        let fields = self.fields.iter().chain([pressed]);
        Ok(fields.cloned().collect())
    }
}

fn all<T>(
    within: ElementRef<'_>,
    selector: &'static str,
    read: impl Fn(ElementRef<'_>) -> T,
) -> Outcome<Vec<T>> {
    Ok(within
        .select(&Selector::parse(selector)?)
        .map(read)
        .collect())
}

/// The texts inside an element, of which the first names what the others say.
fn parts(element: ElementRef<'_>) -> String {
    let parts = element.text().map(str::trim);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(": ")
}

/// The text of an element as a person reads it: what stands in elements within it is not set apart.
fn whole(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of an element, with single spaces.
fn words(element: ElementRef<'_>) -> String {
    let words: Vec<_> = element.text().flat_map(str::split_whitespace).collect();
    words.join(" ")
}
