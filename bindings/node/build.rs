//! Tells the linker that the symbols of Node-API are Node's.

fn main() {
    napi_build::setup();
}
