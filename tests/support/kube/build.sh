#!/usr/bin/env bash
# Builds a real kube-apiserver, as a peer of the tests, and the kubectl that fits it: build.sh [--check] [--debian]
#
#   (nothing)   builds what is missing, which takes minutes once, and prints the folder that holds it
#   --check     builds nothing: exit status 1 where it is missing
#   --debian    by Debian's source package, whatever Go there is
#
# With a Go that is new enough for go.mod: by the published modules, as this folder's own module names them. Otherwise, with
# Debian 12's Go 1.19: by Debian's source package of Kubernetes 1.20.2, whose tree has everything; its kubectl is Debian's own.
# What comes out is kept outside the tree, by version: ~/.cache/hoopctl-peers/kube-apiserver-VERSION/kube-apiserver.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=${XDG_CACHE_HOME:-$HOME/.cache}/hoopctl-peers
debian_version=v1.20.2

say() { printf 'kube: %s\n' "$*" >&2; }
die() { printf 'kube: %s\n' "$*" >&2; exit 1; }

# Of go.mod's line "k8s.io/kubernetes v1.34.4".
module_version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' "$here/go.mod")
[ -n "$module_version" ] || die "go.mod names no version of k8s.io/kubernetes"

# A Go at least as new as go.mod says; it is never replaced by one that the go command would fetch.
export GOTOOLCHAIN=local GOWORK=off
wanted_go() { sed -n 's/^go //p' "$here/go.mod"; }
find_go() {
  local wanted one version
  wanted=$(wanted_go)
  for one in "$(command -v go || true)" /usr/local/go/bin/go; do
    [ -x "$one" ] || continue
    version=$(cd / && "$one" env GOVERSION 2>/dev/null) || continue
    version=${version#go}
    if [ "$(printf '%s\n' "$wanted" "${version%% *}" | sort -V | head -n 1)" = "$wanted" ]; then printf '%s' "$one"; return; fi
  done
}

# Without a version of its own a server knows of no version that it could be compatible with.
link_flags() {  # link_flags PACKAGE-WITH-THE-VERSION…
  local place minor=${version#v1.}
  printf '%s' '-s -w'
  for place in "$@"; do printf -- ' -X %s.%s' "$place" "gitVersion=$version" "$place" gitMajor=1 "$place" "gitMinor=${minor%%.*}" "$place" gitTreeState=clean; done
}
module_flags() { link_flags k8s.io/component-base/version k8s.io/client-go/pkg/version; }

# What the result is made from: another text, but for comments, another build.
stamp() {
  if [ "$way" = debian ]; then printf '%s, 2\n' "$version"; else (cd "$here" && { grep -vhE '^\s*//' go.mod go.sum ./*/*.go; module_flags; } | sha256sum); fi
}

from_modules() {
  local to=$1
  say "building $version with $("$go" env GOVERSION): five minutes on two cores, 2 GB of memory, 3 GB in Go's build cache"
  (cd "$here" && GOFLAGS="-trimpath -mod=readonly -buildvcs=false" CGO_ENABLED=0 nice -n 10 "$go" build -ldflags "$(module_flags)" -o "$to/" ./...) >&2 ||
    die "the build failed; with 'i/o timeout' or 'no such host' above, Go's modules could not be had"
}

# The user's own package sources, with their source packages: in folders of this build, so that nothing of the user's changes.
debian_source() {
  local work=$1 own sandbox
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  apt-get indextargets --format 'deb-src $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    sort -u >"$work/sources.list"
  [ -s "$work/sources.list" ] || die "apt knows no package sources of Debian's"
  own=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache::archives=$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
  # Root's apt would else want folders that its own user can read.
  sandbox=(-o APT::Sandbox::User=root)
  own+=("${sandbox[@]}")
  apt-get "${own[@]}" update -qq >&2 || die "apt could not read the lists of source packages"
  (cd "$work" && apt-get "${own[@]}" source --download-only -qq kubernetes) >&2 || die "the source package 'kubernetes' could not be had"
  (cd "$work" && apt-get "${sandbox[@]}" download -qq golang-github-modern-go-reflect2-dev && dpkg-deb -x golang-github-modern-go-reflect2-dev_*.deb reflect2) >&2 ||
    die "Debian's package golang-github-modern-go-reflect2-dev could not be had"
}

# In "work", from "tree" to "to"; each step only after the one before.
debian_go_build() (
  # Modules are off: this tree's go.mod and its vendored modules do not agree.
  export GOPATH=$work/go GO111MODULE=off GOFLAGS=-trimpath CGO_ENABLED=0 GOCACHE=$work/cache PATH=${go%/*}:$PATH
  cd "$tree" &&
    nice -n 10 "$go" build -o "$work/openapi-gen" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen || exit 1
  # Code that the source package does not ship: what its own makefiles would generate.
  inputs=$(grep -Rl --include='*.go' '^// +k8s:openapi-gen=' cmd pkg plugin vendor/k8s.io |
    grep -vE '^vendor/k8s.io/(code-generator|sample-apiserver)/' | xargs -n 1 dirname | sort -u | sed 's,^,k8s.io/kubernetes/,' | paste -sd,)
  nice -n 10 "$work/openapi-gen" --logtostderr -i "$inputs" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/violations" || exit 1
  nice -n 10 "$go" build -o "$to/" -ldflags "$(link_flags k8s.io/kubernetes/vendor/k8s.io/component-base/version)" \
    k8s.io/kubernetes/cmd/kube-apiserver
)

from_debian() {
  local to=$1 work=$peers/debian-source tree archive
  [ -n "$go" ] || die "no Go at all: install Debian's golang"
  command -v apt-get >/dev/null || die "no Go of $(wanted_go) or newer, and no apt-get to have Debian's source package by"
  rm -rf "$work"
  debian_source "$work"
  archive=$(ls "$work"/kubernetes_*"${version#v}".orig.tar.* 2>/dev/null | head -n 1)
  [ -n "$archive" ] || die "Debian's source package here is $(cd "$work" && ls -- *.orig.tar.*), not of ${version#v}: install a Go of $(wanted_go) or newer"
  tree=$work/go/src/k8s.io/kubernetes
  mkdir -p "$tree"
  tar -xf "$archive" -C "$tree" --strip-components=1
  # The reflect2 in the tree crashes when a Go after 1.17 has built it: a server that answers no PATCH.
  rm -rf "$tree/vendor/github.com/modern-go/reflect2"
  cp -rL "$work/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2" "$tree/vendor/github.com/modern-go/"
  say "building Debian's $version with $("$go" env GOVERSION): ten minutes on two cores, 1.5 GB of memory"
  debian_go_build >&2 || die "Debian's source did not build: what it was is in $work"
  chmod -R u+w "$work" && rm -rf "$work"
}

# As a whole, before it begins: the file may change while a build is at it.
main() {
  way=modules action=build
  for word in "$@"; do
    case $word in --check) action=check ;; --debian) way=debian ;; *) die "build.sh knows --check and --debian, not $word" ;; esac
  done
  go=
  [ $way = debian ] || go=$(find_go)
  if [ -z "$go" ]; then
    way=debian go=/usr/lib/go-1.19/bin/go
    [ -x $go ] || go=$(command -v go || true)
  fi
  if [ $way = debian ]; then version=$debian_version; else version=$module_version; fi
  folder=$peers/kube-apiserver-$version

  is_built() { [ -x "$folder/kube-apiserver" ] && [ "$(cat "$folder/stamp" 2>/dev/null)" = "$(stamp)" ]; }
  if [ $action = check ]; then
    is_built || exit 1
    printf '%s\n' "$folder"
    exit 0
  fi

  mkdir -p "$peers"
  exec 9>"$peers/lock"
  flock -n 9 || { say "another build is at it; waiting for it"; flock 9; }
  if ! is_built; then
    start=$(date +%s)
    new=$peers/new-$version
    rm -rf "$new"
    mkdir "$new"
    from_$way "$new"
    "$new/kube-apiserver" --version | grep -q "$version" || die "what was built does not say that it is $version"
    stamp >"$new/stamp"
    rm -rf "$folder"
    mv "$new" "$folder"
    say "built in $(( $(date +%s) - start )) s: $(cd "$folder" && du -m --apparent-size [!s]* | awk '{ printf "%s%s %s MB", sep, $2, $1; sep = ", " }')"
  fi
  printf '%s\n' "$folder"
}
main "$@"; exit
