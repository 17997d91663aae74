# Completion of g3n for PowerShell. Nothing that g3n prints is run, and what is inserted is quoted.
# The first line of its answer is "words" or "files"; after "words", each line is a candidate, a tab and a description.

Register-ArgumentCompleter -Native -CommandName g3n -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @(
        $commandAst.CommandElements |
            Select-Object -Skip 1 |
            Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
            ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } }
    )
    # Windows PowerShell passes no empty arguments: the word stands in an option.
    $lines = @(& (Get-Command g3n -CommandType Application, ExternalScript | Select-Object -First 1) __complete "--quoted-word=$wordToComplete" -- @before 2>$null)
    # Without a result, PowerShell completes files.
    if ($lines.Count -eq 0 -or $lines[0] -eq 'files') { return }
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $value, $description = $_ -split "`t", 2
        $inserted = if ($value -match '^[\w./:=+-]+$') { $value } else { "'" + $value.Replace("'", "''") + "'" }
        $tooltip = if ($description) { $description } else { $value }
        [System.Management.Automation.CompletionResult]::new($inserted, $value, 'ParameterValue', $tooltip)
    }
}
