import TLS

/// Certificates for tests, good until 2120, below one root and `stranger` below another.
enum Certificates {
    static let root = Array(
        """
        -----BEGIN CERTIFICATE-----
        MIIBMTCB2KADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBG1lc2gwIBcN
        MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBG1lc2gw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQBv0qz/13QEIygbnsgwjlc0dYILB5f
        LzaiEgyHfSqmQ7Mo5C7veXrtrY1vGKMsLV6ZL91asqMGoy6YDIqRL1uboyMwITAP
        BgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNIADBF
        AiEAnlD7UgmNMiDB3hz40fiaQnZEvY0lJVzE/QWv1ha3/skCIBWhe3S/xjase3mk
        VhqDhRk2dovZWwhA4Ds2n/toHdQ9
        -----END CERTIFICATE-----
        """.utf8)
    static let server = Credential(
        certificateChain: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBMTCB2KADAgECAgECMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBG1lc2gwIBcN
            MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMAAwWTATBgcqhkjOPQIBBggq
            hkjOPQMBBwNCAARnJTJAM0ilFx4sX26Hpf+U13VS9P2ADoBr2RahRYeDSa0aDUMh
            5XqnIb8mwMJzRurdXRUdc0Ty8UC7DNnSZR0+ozIwMDAuBgNVHREBAf8EJDAihhVz
            cGlmZmU6Ly9tZXNoL2NvbnRyb2yCCWxvY2FsaG9zdDAKBggqhkjOPQQDAgNIADBF
            AiBL4GyWWY7eo9Y5ftCerM1sPAkVv6QftjR43cTCsjoQgQIhAJ4O4C6blAvVw8Ey
            CLVMnRuUk88NlixLrmjzKIYjBdmZ
            -----END CERTIFICATE-----
            """.utf8),
        privateKey: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgX0j87Aa7sg7jN1Du
            sWQAZNI3HskhUgMX+wQev2M9q5GhRANCAARnJTJAM0ilFx4sX26Hpf+U13VS9P2A
            DoBr2RahRYeDSa0aDUMh5XqnIb8mwMJzRurdXRUdc0Ty8UC7DNnSZR0+
            -----END PRIVATE KEY-----
            """.utf8))
    static let renewed = Credential(
        certificateChain: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBJjCBzaADAgECAgEDMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBG1lc2gwIBcN
            MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMAAwWTATBgcqhkjOPQIBBggq
            hkjOPQMBBwNCAAQAdY3LjyRpNBov4gJQej8XcIAQAWhx1O6POzw/9LpynIR9e/lc
            XbnI1DAhe9hylCJjwFWTuIxXaT/R+GyL8bK3oycwJTAjBgNVHREBAf8EGTAXhhVz
            cGlmZmU6Ly9tZXNoL3JlbmV3ZWQwCgYIKoZIzj0EAwIDSAAwRQIhAKIGSEug4m7e
            YZX9Yftu6hnXS+6Nz2H/ooq49rvVt2DfAiAFCTHGUzb/U42zGc3WxBeD/rcN3+O6
            6kgG0CBiv5q4Lw==
            -----END CERTIFICATE-----
            """.utf8),
        privateKey: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3WepYbiPWyl/P97Y
            n8t1ccmqN++m2q1419eUcI8CW4+hRANCAAQAdY3LjyRpNBov4gJQej8XcIAQAWhx
            1O6POzw/9LpynIR9e/lcXbnI1DAhe9hylCJjwFWTuIxXaT/R+GyL8bK3
            -----END PRIVATE KEY-----
            """.utf8))
    static let client = Credential(
        certificateChain: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBIDCBx6ADAgECAgEEMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBG1lc2gwIBcN
            MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMAAwWTATBgcqhkjOPQIBBggq
            hkjOPQMBBwNCAATtaMhXdOKlxed8E47hlpSGGFNIuP1n/4pRnzO8UnT06rwTPitd
            cxX8Brg37x477cXfRFUWL2+CnAAEUFomCf2moyEwHzAdBgNVHREBAf8EEzARhg9z
            cGlmZmU6Ly9tZXNoL2EwCgYIKoZIzj0EAwIDSAAwRQIgXPS6gPZLomhX7Gm5HbQu
            kdJEMyCiYQYcG2wDBVZTk1ICIQCxTQWn5YPbBi2XwOG5fyIf2XYjOy7cAldcWWCs
            j2CtXg==
            -----END CERTIFICATE-----
            """.utf8),
        privateKey: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgL8mxwUICPJ2kodHA
            seUOJ//FIsPRrV+Vys8p84/jo76hRANCAATtaMhXdOKlxed8E47hlpSGGFNIuP1n
            /4pRnzO8UnT06rwTPitdcxX8Brg37x477cXfRFUWL2+CnAAEUFomCf2m
            -----END PRIVATE KEY-----
            """.utf8))
    static let stranger = Credential(
        certificateChain: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBIDCByKADAgECAgEFMAoGCCqGSM49BAMCMBAxDjAMBgNVBAMMBW90aGVyMCAX
            DTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAAMFkwEwYHKoZIzj0CAQYI
            KoZIzj0DAQcDQgAEXANCG4j3wA6HLcjq4Nms7TuEe45rgslD2/0W6sIvM2ZGpm6n
            VZI8GvUeOHE7Z8eZOYVKl7fuEsjRWbvYp6KMaaMhMB8wHQYDVR0RAQH/BBMwEYYP
            c3BpZmZlOi8vbWVzaC9hMAoGCCqGSM49BAMCA0cAMEQCIGfc4/1o4Qxsl3gGxAP3
            wJmTcGXCnngFdMMr8vcLO5dnAiAcnfXInRh+IQCJ8hMCGZAp4GGUfil2/LWvGSMe
            dq7Bcg==
            -----END CERTIFICATE-----
            """.utf8),
        privateKey: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrl0e00o1FFQPNN1P
            yhDVwri9SRLko6INteSE+QaRFUahRANCAARcA0IbiPfADoctyOrg2aztO4R7jmuC
            yUPb/Rbqwi8zZkambqdVkjwa9R44cTtnx5k5hUqXt+4SyNFZu9inooxp
            -----END PRIVATE KEY-----
            """.utf8))
    static let expired = Credential(
        certificateChain: Array(
            """
            -----BEGIN CERTIFICATE-----
            MIIBHjCBxaADAgECAgEGMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBG1lc2gwHhcN
            MjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAAMFkwEwYHKoZIzj0CAQYIKoZI
            zj0DAQcDQgAEPEd+331J8TjWaibgu/VTpzX3s7lwQiYXTJT2ZdUTDwEorLd9goOW
            TvdvyhzoOYeHowdWff8pBJ1b62iDvmoVQqMhMB8wHQYDVR0RAQH/BBMwEYYPc3Bp
            ZmZlOi8vbWVzaC9hMAoGCCqGSM49BAMCA0gAMEUCIAggBKzx/gd1Q/ara3M8Cyx2
            MVvwUBJDFxnFPpS5GrnmAiEA62RsscpDEdElYLiQuQF/eKnrvJ/asOjsOJtq/rcd
            kWI=
            -----END CERTIFICATE-----
            """.utf8),
        privateKey: Array(
            """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLylU9NG6UEa1prm/
            DZEAK2frczQvTS4jfPbXdwMtpSKhRANCAAQ8R37ffUnxONZqJuC79VOnNfezuXBC
            JhdMlPZl1RMPASist32Cg5ZO92/KHOg5h4ejB1Z9/ykEnVvraIO+ahVC
            -----END PRIVATE KEY-----
            """.utf8))
}
