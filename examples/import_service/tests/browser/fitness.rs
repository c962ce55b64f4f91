//! Pages for everybody: without scripts, with a keyboard, for those who see
//! little, and on a phone.

use fantoccini::{key::Key, wd::WebDriverCompatibleCommand};

use crate::{
    TestResult,
    site::{Error, Site},
    story::{COMPANY, demo_file, next_file},
};

pub async fn scripts_do_not_run_in_these_tests(site: &Site) -> TestResult {
    let page = "data:text/html,<title>off</title><script>document.title = 'on'</script>";
    site.browser.goto(page).await?;
    assert_eq!(site.browser.title().await?, "off");
    Ok(())
}

pub async fn the_keyboard_is_enough(site: &Site) -> TestResult {
    site.upload(COMPANY, next_file(site).await?).await?;
    site.element("main form button").await?;
    press(site, Key::Tab).await?;
    assert_eq!(focused(site).await?, "Skip to the content");
    press(site, Key::Enter).await?;
    press(site, Key::Tab).await?;
    assert_eq!(focused(site).await?, "Apply to Harbour Logistics");
    let outline = site.browser.active_element().await?.css_value("outline-style").await?;
    assert_eq!(outline, "solid", "the focus is seen");
    press(site, Key::Enter).await?;
    site.element(".good").await?;
    Ok(())
}

async fn press(site: &Site, key: Key) -> Result<(), Error> {
    let text = char::from(key).to_string();
    Ok(site.browser.active_element().await?.send_keys(&text).await?)
}

async fn focused(site: &Site) -> Result<String, Error> {
    Ok(site.browser.active_element().await?.text().await?)
}

/// What each kind of page is seen as by those who do not see it.
const FAULTS_OF_LABELS: &str = r"
    const faults = [];
    const each = (selector, check) => document.querySelectorAll(selector).forEach(element => {
        const fault = check(element);
        if (fault) faults.push(`${fault}: ${element.outerHTML.slice(0, 200)}`);
    });
    if (!document.documentElement.lang) faults.push('no language');
    if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
    if (!document.querySelector('main')) faults.push('no main');
    each('input:not([type=hidden])', input => input.labels.length === 0 && 'no label');
    each('table', table => !table.caption && 'no caption');
    each('th', cell => !cell.scope && 'no scope');
    each('tbody tr', row => !row.querySelector('th, time') && 'no heading of a row');
    each('section', section => !document.getElementById(section.getAttribute('aria-labelledby')) && 'no name');
    each('a, button', link => !link.textContent.trim() && 'no text');
    const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
    if (new Set(ids).size !== ids.length) faults.push('an id twice');
    return faults;
";

/// The texts whose contrast is below 4.5, as WCAG 2 counts it.
const FAULTS_OF_CONTRAST: &str = r"
    const parse = text => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = element => {
        for (; element; element = element.parentElement) {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    const faults = [];
    for (const element of document.body.querySelectorAll('*')) {
        const texts = [...element.childNodes].filter(node => node.nodeType === 3 && node.data.trim());
        if (!texts.length) continue;
        const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) faults.push(`${contrast.toFixed(2)}: ${element.outerHTML.slice(0, 200)}`);
    }
    return faults;
";

pub async fn pages_are_labelled_and_have_contrast(site: &Site) -> TestResult {
    for (salary, scheme) in [(1, "light"), (2, "dark")] {
        emulate(
            site,
            "Emulation.setEmulatedMedia",
            serde_json::json!({
                "features": [{ "name": "prefers-color-scheme", "value": scheme }],
            }),
        )
        .await?;
        let check = async |page: &'static str| -> TestResult {
            for script in [FAULTS_OF_LABELS, FAULTS_OF_CONTRAST] {
                let faults = site.browser.execute(script, Vec::new()).await?;
                assert_eq!(faults, serde_json::json!([]), "{page}, {scheme}");
            }
            Ok(())
        };
        each_page(site, salary, check).await?;
    }
    Ok(())
}

pub async fn nothing_is_wider_than_a_phone(site: &Site) -> TestResult {
    let phone =
        serde_json::json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    emulate(site, "Emulation.setDeviceMetricsOverride", phone).await?;
    let check = async |page: &'static str| -> TestResult {
        let script = "return [innerWidth, document.documentElement.scrollWidth]";
        let widths = site.browser.execute(script, Vec::new()).await?;
        assert_eq!(widths, serde_json::json!([390, 390]), "{page}");
        if let Some(folder) = std::env::var_os("IMPORT_SERVICE_PHONE_SCREENSHOTS") {
            let path = std::path::Path::new(&folder).join(format!("{page}.png"));
            std::fs::write(path, site.browser.screenshot().await?)?;
        }
        Ok(())
    };
    each_page(site, 1, check).await
}

/// Shows one page of each kind to a check; another salary makes another import.
async fn each_page(
    site: &Site,
    salary: u32,
    check: impl AsyncFn(&'static str) -> TestResult,
) -> TestResult {
    site.goto("/").await?;
    check("companies").await?;
    site.goto("/companies/1").await?;
    check("company").await?;
    site.goto("/nowhere").await?;
    check("problem").await?;
    let long = format!("{}@example.com", "long".repeat(40));
    let changed = demo_file(site).await?.replace("ada.lindqvist@example.com", &long);
    site.upload(COMPANY, changed).await?;
    check("plan").await?;
    site.upload(COMPANY, "external_id,name,email,department,salary,hired_on\n").await?;
    check("guard").await?;
    site.upload(COMPANY, format!("external_id,{}\n", "x".repeat(500))).await?;
    check("faults").await?;
    let another = format!(
        "external_id,name,email,department,salary,hired_on\nA1,{long},,Fleet,{salary},2020-01-01\n"
    );
    site.upload("Night Train Books", another).await?;
    site.click("main form button").await?;
    site.element(".good").await?;
    check("applied").await
}

/// Tells Chromium to be another device.
async fn emulate(site: &Site, command: &str, parameters: serde_json::Value) -> Result<(), Error> {
    let emulate = DevTools(serde_json::json!({ "cmd": command, "params": parameters }));
    site.browser.issue_cmd(emulate).await?;
    Ok(())
}

/// A command of Chromium beside the standard ones.
#[derive(Debug)]
struct DevTools(serde_json::Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.0.to_string()))
    }
}
