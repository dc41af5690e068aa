# A store of derivations whose references hide wherever Nix looks for them, and a few where it does not.
{ busybox, count ? 120 }:
let
  system = builtins.currentSystem;
  build = name: script: derivation {
    inherit name system;
    builder = "${busybox}/busybox";
    args = [ "sh" "-c" ("b() { ${busybox}/busybox \"$@\"; }\n" + script) ];
  };
  leaf = build "leaf" "echo leaf >$out";
  other = build "other-leaf-1.2.3+x_y=z?" "echo other >$out";
  gone = build "compressed-only" "echo gone >$out";
  cases = {
    contents = build "contents" "echo 'x ${leaf}/bin y' >$out";
    boundary = build "boundary" ''
      b mkdir $out
      for n in 65503 65504 65505 65519 65535 65536 131040 262112 262113 262128 262143 262144; do
        b dd if=/dev/zero of=$out/$n bs=$n count=1 2>/dev/null
        echo -n '${leaf}' >>$out/$n
      done'';
    linktarget = build "linktarget" "b ln -s ${leaf} $out";
    linkdeep = build "linkdeep" "b mkdir -p $out/a/b/c; b ln -s ../../../../${leaf}/x $out/a/b/c/l";
    filename = build "filename" "b mkdir -p $out; h=\${leaf#/nix/store/}; echo >$out/x-${builtins.substring 11 32 "${leaf}"}-y";
    dirname = build "dirname" "b mkdir -p $out/${builtins.substring 11 32 "${other}"}";
    barehash = build "barehash" "echo ${builtins.substring 11 32 "${leaf}"} >$out";
    shorthash = build "shorthash" "echo ${builtins.substring 11 31 "${leaf}"} ${other} >$out; true ${leaf}";
    splithash = build "splithash" "echo ${builtins.substring 11 16 "${leaf}"} ${builtins.substring 27 16 "${leaf}"} >$out";
    runhash = build "runhash" "echo 0123456789abcdfghijklmnpqrsvwxyz${builtins.substring 11 32 "${leaf}"}0123456789abcdfg >$out";
    compressed = build "compressed" "echo ${gone} | b gzip >$out";
    executable = build "executable" "echo ${other} >$out; b chmod +x $out";
    self = build "self" "b mkdir $out; echo $out >$out/me; echo ${other} >$out/you";
    binary = build "binary" "b cat ${busybox}/busybox >$out; echo -n '${leaf}' >>$out";
    empty = build "empty" "b mkdir -p $out/a $out/b";
    twooutputs = derivation {
      name = "two"; inherit system; builder = "${busybox}/busybox"; outputs = [ "out" "dev" ];
      args = [ "sh" "-c" "${busybox}/busybox mkdir $out $dev; echo $dev ${leaf} >$out/a; echo ${other} >$dev/b" ];
    };
    textuser = build "textuser" "echo ${text} >$out";
  };
  # What a build was not given is no reference, whatever the output names; nor is anything of an output known before.
  known = p: builtins.unsafeDiscardStringContext "${p}";
  fetched = algorithm: derivation {
    name = "fetched-${algorithm}"; inherit system; builder = "${busybox}/busybox"; text = known leaf;
    outputHashMode = "flat"; outputHashAlgo = algorithm; outputHash = builtins.hashString algorithm (known leaf);
    args = [ "sh" "-c" "echo -n $text >$out" ];
  };
  notgiven = build "notgiven" "echo ${known leaf} ${other} >$out";
  packed = build "packed" "echo ${other} | b gzip >$out";
  unpacked = build "unpacked" "b zcat ${packed} >$out"; # built from what was built from it, and it was not given
  throughdeps = build "throughdeps" "${busybox}/busybox cat ${cases.contents} >$out";
  mixedtext = builtins.toFile "mixedtext" "${text} ${known leaf} ${other-text}";
  text = builtins.toFile "text" "see ${other-text}";
  other-text = builtins.toFile "other-text" "plain";
  names = builtins.attrNames cases;
  nth = n: builtins.getAttr (builtins.elemAt names n) cases;
  mod = a: b: a - b * (a / b);
  chains = builtins.genList link (count + 1);
  chain = builtins.elemAt chains;
  link = n:
    if n == 0 then leaf
    else build "chain-${toString n}" ''
      b mkdir -p $out/lib
      echo ${chain (n - 1)} >$out/lib/a
      b ln -s ${chain (n / 2)} $out/lib/b
      echo ${nth (mod n (builtins.length names))} >$out/c
    '';
  unused = build "unused" "echo ${leaf} >$out";
in
(builtins.attrValues cases) ++ [ cases.twooutputs.dev unused (chain count) notgiven unpacked throughdeps (build "mixeduser" "echo ${mixedtext} >$out") ]
++ map fetched [ "md5" "sha1" "sha256" "sha512" ]
