//! Names and tokens that nobody can guess.

/// 32 hexadecimal digits from the system's generator.
pub fn digits() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}
