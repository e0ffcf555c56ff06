/// How the page looks, by day and by night.
enum PageStyle {
    static let text = """
        :root { color-scheme: light dark; --ink: #1b1f24; --faint: #667085; --paper: #fff;
          --panel: #f6f7f9; --line: #e3e6ea; --a: #1d5fd1; --b: #c2620a; --bad: #c0262d; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #98a2b3;
          --paper: #14171a; --panel: #1d2125; --line: #30363d; --a: #6ea8fe; --b: #f2a65a;
          --bad: #ff7b72; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 15px/1.45 system-ui, sans-serif; }
        main { max-width: 900px; margin: 0 auto; padding: 24px 20px 48px; }
        h1 { font-size: 20px; margin: 0; overflow-wrap: anywhere; }
        header p { margin: 4px 0 16px; color: var(--faint); }
        .doubt { margin: 0 0 8px; padding: 8px 12px; border-left: 3px solid var(--bad);
          background: var(--panel); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(120px, 1fr));
          gap: 10px; margin: 16px 0; }
        .tiles div { background: var(--panel); border-radius: 8px; padding: 10px 12px; }
        .tiles b { display: block; font-weight: 500; font-size: 13px; color: var(--faint); }
        .tiles span { font-size: 18px; font-variant-numeric: tabular-nums; }
        .tiles small { display: block; color: var(--faint); }
        figure { margin: 24px 0 0; }
        figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 16px;
          font-weight: 600; margin-bottom: 4px; }
        figcaption span { font-weight: 400; font-size: 13px; color: var(--faint);
          overflow-wrap: anywhere; }
        figcaption i { display: inline-block; width: 16px; height: 0; margin: 0 6px 3px 10px;
          border-top: 2.5px solid currentColor; }
        svg { display: block; width: 100%; height: auto; }
        svg text { fill: var(--faint); font-size: 12px; }
        svg text.x { text-anchor: middle; }
        svg text.y { text-anchor: end; dominant-baseline: middle; }
        svg .grid { stroke: var(--line); }
        svg path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
        .a { color: var(--a); } .b { color: var(--b); } .bad { color: var(--bad); }
        .thin { opacity: .55; } .dotted { stroke-dasharray: 2 4; opacity: .7; }
        i.thin { border-top-width: 1.5px; } i.dotted { border-top-style: dotted; }
        svg path.bar { fill: currentColor; stroke: none; opacity: .75; }
        table { border-collapse: collapse; margin-top: 28px; width: 100%;
          font-variant-numeric: tabular-nums; }
        th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--line); }
        th { color: var(--faint); font-weight: 500; font-size: 13px; }
        th:first-child, td:first-child { text-align: left; }
        tr.off td { color: var(--bad); }
        """
}
