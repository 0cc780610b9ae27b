# The build that tests run on, for scripts that stand in the project's root: `swift build "${checked_build[@]}"`.
#
# One for all of them, in a folder of its own (`checked_folder`, unless whoever asks has chosen another): the release's
# optimizations, with what the release leaves out, the run time checks of exclusivity (Package.swift), and with what
# tests reach into. BoringSSL, of which TLS and cryptography each bring a copy, is half of it, and would be so twice
# with a debug build beside.

export TEAROFF_WARNINGS=errors
checked_folder=${checked_folder:-.build-tests}
checked_build=(
    --scratch-path "$checked_folder" --configuration release --disable-xctest
    -Xswiftc -enable-testing -Xswiftc -enforce-exclusivity=checked -Xcxx -g0
)
